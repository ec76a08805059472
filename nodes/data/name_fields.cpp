#include "name_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "loom/dataset.h"

namespace loom {
namespace {

struct Pattern {
  std::vector<std::string> before;  // the text in front of each field
  std::vector<std::string> fields;
  std::string end;
};

[[noreturn]] void throw_pattern(const std::string& pattern) {
  throw Error(ErrorCode::data_specification, fmt::format("'{}' is not a pattern of names", pattern),
              "write fields in braces with text between them, as in {digit}_{speaker}_{take}");
}

Pattern parse_pattern(const std::string& pattern) {
  Pattern parsed;
  std::size_t at = 0;
  while (true) {
    const std::size_t open = pattern.find('{', at);
    if (open == std::string::npos) break;
    const std::size_t close = pattern.find('}', open);
    const std::string text = pattern.substr(at, open - at);
    if (close == std::string::npos || close == open + 1 || (!parsed.fields.empty() && text.empty()))
      throw_pattern(pattern);
    parsed.before.push_back(text);
    parsed.fields.push_back(pattern.substr(open + 1, close - open - 1));
    at = close + 1;
  }
  if (parsed.fields.empty()) throw_pattern(pattern);
  for (auto field = parsed.fields.begin(); field != parsed.fields.end(); ++field) {
    if (*field != "x" && std::find(parsed.fields.begin(), field, *field) == field) continue;
    throw Error(ErrorCode::data_specification, fmt::format("'{}' names a second column '{}'", pattern, *field),
                "give every field a name of its own, other than x");
  }
  parsed.end = pattern.substr(at);
  return parsed;
}

// The values of the fields in a name; empty if the name does not fit.
std::vector<std::string> match(const Pattern& pattern, const std::string& name) {
  std::vector<std::string> values;
  if (!name.starts_with(pattern.before.front()) || !name.ends_with(pattern.end)) return {};
  std::size_t at = pattern.before.front().size();
  const std::size_t last = name.size() - pattern.end.size();
  for (std::size_t k = 0; k < pattern.fields.size(); ++k) {
    const bool is_last = k + 1 == pattern.fields.size();
    const std::size_t stop = is_last ? last : name.find(pattern.before[k + 1], at);
    if (stop == std::string::npos || stop <= at || stop > last) return {};
    values.push_back(name.substr(at, stop - at));
    at = stop + (is_last ? 0 : pattern.before[k + 1].size());
  }
  return values;
}

// Sorts numbers by size and other values alphabetically.
bool comes_before(const std::string& a, const std::string& b) {
  const auto is_number = [](const std::string& text) {
    return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  };
  if (is_number(a) && is_number(b) && a.size() != b.size()) return a.size() < b.size();
  return a < b;
}

}  // namespace

NameFields::NameFields(const std::string& pattern, const std::vector<std::string>& files) {
  const Pattern parsed = parse_pattern(pattern);
  fields_ = parsed.fields;
  std::vector<std::vector<std::string>> values;
  for (const std::string& file : files) {
    const std::string name = std::filesystem::path(file).stem().string();
    values.push_back(match(parsed, name));
    if (values.back().empty()) {
      throw file_error(ErrorCode::data_wrong_format, file, kNoOffset, "the name does not fit the pattern", name,
                       pattern);
    }
  }
  codes_.resize(files.size() * fields_.size());
  for (std::size_t k = 0; k < fields_.size(); ++k) {
    std::vector<std::string> known;
    for (const auto& row : values) known.push_back(row[k]);
    std::ranges::sort(known, comes_before);
    known.erase(std::unique(known.begin(), known.end()), known.end());
    for (std::size_t f = 0; f < files.size(); ++f) {
      const auto it = std::ranges::lower_bound(known, values[f][k], comes_before);
      codes_[f * fields_.size() + k] = static_cast<std::int32_t>(it - known.begin());
    }
    values_.push_back(std::move(known));
  }
}

bool NameFields::has(const std::string& field) const { return std::ranges::find(fields_, field) != fields_.end(); }

std::vector<Column> NameFields::columns() const {
  std::vector<Column> columns;
  for (std::size_t k = 0; k < fields_.size(); ++k) {
    const auto last = static_cast<double>(values_[k].size()) - 1;
    columns.push_back({fields_[k], DType::i32, {}, 0, last, ColumnRole::label, {}, values_[k], {}});
  }
  return columns;
}

}  // namespace loom
