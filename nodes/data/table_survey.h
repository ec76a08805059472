// What the fields of the columns of a table are: numbers, texts, or missing. One pass over the file.
//
// Thread safety: a free function without state.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "csv_file.h"

namespace loom {

// The first of some fields, for messages, and how many there are.
struct FieldList {
  struct Field {
    std::int64_t row;
    std::string text;
  };
  std::int64_t count = 0;
  std::vector<Field> first;

  void add(std::int64_t row, std::string_view text);
  // "rows 3, 9 and 12", "rows 3, 9, 12, 14, 15 and 20 more"; rows count from 1.
  std::string rows() const;
};

struct ColumnSurvey {
  std::int64_t numbers = 0, fractions = 0;  // fractions: of the numbers, those that are not integers
  FieldList texts, missing;
  std::int64_t almost = 0;  // of the texts: numbers with a decimal comma, and those that are not finite in f32
  FieldList rounded;        // integers that f32 cannot hold
  // The values of a column that is to be numbered; of others, the texts that are not numbers. Not all of them where
  // there are too many.
  std::set<std::string, std::less<>> values;
  bool too_many = false;
};

// Words that stand for a missing value; so does an empty field.
using MissingWords = std::set<std::string, std::less<>>;
inline bool is_missing(std::string_view field, const MissingWords& words) {
  return field.empty() || words.find(field) != words.end();
}

// `most[i]`: how many different values of column i are kept at most; `numbered[i]`: whether its numbers are among them.
std::vector<ColumnSurvey> survey_columns(const CsvFile& file, const MissingWords& words,
                                         const std::vector<std::size_t>& most, const std::vector<bool>& numbered);

}  // namespace loom
