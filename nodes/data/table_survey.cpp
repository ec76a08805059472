#include "table_survey.h"

#include <charconv>
#include <cmath>

namespace loom {
namespace {

constexpr std::size_t kMostNamedRows = 5;
constexpr double kExactIntegers = 1 << 24;  // f32 holds every integer up to here

// "1,5", "inf", "1e999".
bool is_almost_number(std::string_view field) {
  if (field.empty() || field.size() > 40 || field.find_first_of("0123456789iI") == std::string_view::npos) return false;
  std::string text(field);
  if (const std::size_t comma = text.find(','); comma != std::string::npos) text[comma] = '.';
  double value = 0;
  if (is_number(text, value)) return true;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  return problem != std::errc::invalid_argument && end == text.data() + text.size();
}

void add_value(ColumnSurvey& column, std::string_view field, std::size_t most) {
  if (column.too_many || column.values.find(field) != column.values.end()) return;
  if (column.values.size() < most)
    column.values.emplace(field);
  else
    column.too_many = true;
}

}  // namespace

void FieldList::add(std::int64_t row, std::string_view text) {
  if (++count <= static_cast<std::int64_t>(kMostNamedRows)) first.push_back({row, std::string(text.substr(0, 40))});
}

std::string FieldList::rows() const {
  std::string text = count == 1 ? "row " : "rows ";
  for (std::size_t i = 0; i < first.size(); ++i) {
    const bool is_last = i + 1 == first.size() && count == static_cast<std::int64_t>(first.size());
    text += (i == 0 ? "" : is_last ? " and " : ", ") + std::to_string(first[i].row + 1);
  }
  const std::int64_t more = count - static_cast<std::int64_t>(first.size());
  return more > 0 ? text + fmt::format(" and {} more", more) : text;
}

std::vector<ColumnSurvey> survey_columns(const CsvFile& file, const MissingWords& words,
                                         const std::vector<std::size_t>& most, const std::vector<bool>& numbered) {
  std::vector<ColumnSurvey> columns(file.names().size());
  CsvFields fields;
  for (std::int64_t row = 0; row < file.rows(); ++row) {
    file.read(row, fields);
    for (std::size_t i = 0; i < columns.size(); ++i) {
      ColumnSurvey& column = columns[i];
      const std::string_view field = fields[i];
      double value = 0;
      if (is_missing(field, words)) {
        column.missing.add(row, field);
        continue;
      }
      const bool is_a_number = is_number(field, value);
      if (is_a_number) {
        ++column.numbers;
        column.fractions += value != std::floor(value) ? 1 : 0;
        if (std::abs(value) > kExactIntegers && value == std::floor(value) &&
            static_cast<double>(static_cast<float>(value)) != value)
          column.rounded.add(row, field);
      } else {
        column.texts.add(row, field);
        column.almost += is_almost_number(field) ? 1 : 0;
      }
      if (!is_a_number || numbered[i]) add_value(column, field, most[i]);
    }
  }
  return columns;
}

}  // namespace loom
