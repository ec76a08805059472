// How the rows of a table become items: which columns are numbers, which are classes, and where their values go.
//
// Thread safety: immutable after construction. Errors: one Error with a diagnostic for every column that is not as it
// should be, with file, line, column, and the first rows.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "csv_file.h"
#include "loom/dataset.h"
#include "table_choice.h"
#include "table_survey.h"

namespace loom {

class TableLayout {
 public:
  TableLayout(const TableChoice& choice, const CsvFile& file);

  const std::vector<Column>& columns() const { return outputs_; }
  const std::vector<std::string>& notices() const { return notices_; }
  // The options columns, label and categories, with which another file is read in the same way.
  std::map<std::string, OptionValue> settled_options() const;
  // A missing number becomes NaN, a missing class -1.
  void read(const CsvFields& fields, std::span<const TensorView> out) const;

 private:
  enum class Kind { number, classes, left_out };
  struct Target {
    std::size_t output;
    std::size_t place = 0;  // in the output's values
    bool one_hot = false;   // 1 or 0 in as many values as there are classes
  };
  struct Source {  // one column of the table
    Kind kind = Kind::left_out;
    std::string reason;  // why it is left out
    std::vector<std::string> classes;
    std::map<std::string, std::int32_t, std::less<>> codes;
    std::vector<Target> targets;
  };

  bool is_label(std::size_t i) const { return file_names_[i] == choice_.label; }
  bool is_named(const std::string& name) const;
  std::vector<ColumnSurvey> survey(const CsvFile& file) const;
  void choose_kind(std::size_t i, const ColumnSurvey& found, std::int64_t rows);
  void leave_out_unused(std::size_t i, const ColumnSurvey& found);
  bool may_grow(const std::string& name) const;
  static void number(Source& source);
  void choose_classes(Source& source, const ColumnSurvey& found);
  void report(const CsvFile& file, const std::vector<ColumnSurvey>& found) const;
  void report_fields(const CsvFile& file, std::size_t i, const ColumnSurvey& found, Diagnostics& problems) const;
  void report_classes(const CsvFile& file, std::size_t i, const ColumnSurvey& found, Diagnostics& problems) const;
  void make_outputs(const CsvFile& file);
  void add_group(const std::string& name, const std::vector<std::string>& members, const CsvFile& file);
  void add_own(std::size_t i, const std::string& name, ColumnRole role);
  void describe(const std::vector<ColumnSurvey>& found);
  std::size_t index_of(const std::string& name) const;

  TableChoice choice_;
  std::vector<std::string> file_names_, x_;  // x_: the table's columns in x
  std::vector<Source> sources_;              // of the table's columns
  std::vector<Column> outputs_;
  std::vector<std::string> notices_;
};

}  // namespace loom
