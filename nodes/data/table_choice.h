// The options of a table about its columns: names in the forms that documents and the command line have.
//
// Thread safety: free functions and a value.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "csv_file.h"
#include "loom/dataset.h"
#include "table_survey.h"

namespace loom {

inline bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

// A name with the names that belong to it: a group and its columns, a column and its classes.
struct NamedList {
  std::string name;
  std::vector<std::string> items;
};

struct TableChoice {
  std::vector<std::string> columns, exclude, categorical;
  std::string label;           // "": none is named
  std::string holdout_by;      // "": none
  bool label_by_name = false;  // it is the column named label, which nobody asked for
  std::vector<NamedList> groups, categories;
  bool one_hot = false, missing_is_error = true;
  bool settled = false;  // the options are those of a run
  std::size_t max_classes = 0;
  MissingWords words;
};

void declare_table_choice(Contract& c);

// Throws one Error with every name that is not a column of the table, and every contradiction between the options.
TableChoice table_choice(const Options& options, const CsvFile& file);

// One row of a CSV file, with quotes where they are needed.
std::string csv_row(const std::vector<std::string>& fields);

}  // namespace loom
