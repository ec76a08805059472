#include "text_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace table {
namespace {

constexpr std::size_t kMostProblems = 20;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string_view trimmed(std::string_view text, std::size_t& column) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1), ++column;
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

char most_frequent_delimiter(std::string_view line) {
  char best = ',';
  for (const char candidate : {',', ';', '\t', '|'})
    if (std::ranges::count(line, candidate) > std::ranges::count(line, best)) best = candidate;
  return best;
}

}  // namespace

TextTable::TextTable(const std::string& path, char delimiter, bool header)
    : path_(path), file_(path), delimiter_(delimiter) {
  const std::string_view all(reinterpret_cast<const char*>(file_.bytes().data()), file_.bytes().size());
  const std::size_t start = all.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  const std::string_view first = line_at(start);
  if (delimiter_ == 0) delimiter_ = most_frequent_delimiter(first);
  read_names(first, header);
  const std::size_t newline = all.find('\n', start);
  if (header) first_line_ = 2;
  if (!header || newline != std::string_view::npos) find_rows(header ? newline + 1 : start);
  if (starts_.empty()) {
    loom::Diagnostic finding =
        problem(first_line_, 1, "there are no rows", header ? "a header alone" : "empty lines", "rows of numbers");
    finding.code = loom::ErrorCode::data_empty;
    throw loom::Error(std::move(finding));
  }
  check_shape();
}

std::string_view TextTable::line_at(std::size_t start) const {
  const std::string_view all(reinterpret_cast<const char*>(file_.bytes().data()), file_.bytes().size());
  std::string_view line = all.substr(start, std::min(all.find('\n', start), all.size()) - start);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

Field TextTable::next_field(std::string_view line, std::size_t& at) const {
  const std::size_t start = at;
  bool quoted = false;
  while (at < line.size() && (quoted || line[at] != delimiter_)) {
    if (line[at] == '"') quoted = !quoted;
    ++at;
  }
  Field field{line.substr(start, at - start), start + 1};
  ++at;
  field.text = trimmed(field.text, field.column);
  if (field.text.size() >= 2 && field.text.front() == '"' && field.text.back() == '"') {
    field.text = field.text.substr(1, field.text.size() - 2);
    field.text = trimmed(field.text, ++field.column);
  }
  return field;
}

void TextTable::read_names(std::string_view line, bool header) {
  std::map<std::string, std::size_t> seen;
  for (std::size_t at = 0; at <= line.size();) {
    const Field field = next_field(line, at);
    std::string name = header ? std::string(field.text) : std::to_string(names_.size() + 1);
    if (name.empty()) name = std::to_string(names_.size() + 1);
    const auto [other, is_new] = seen.emplace(name, names_.size());
    if (!is_new) {
      throw loom::Error(problem(1, field.column, fmt::format("two columns have the name '{}'", name),
                                fmt::format("columns {} and {}", other->second + 1, names_.size() + 1), "one"));
    }
    names_.push_back(std::move(name));
  }
}

// Empty lines at the end are not rows.
void TextTable::find_rows(std::size_t start) {
  const std::string_view all(reinterpret_cast<const char*>(file_.bytes().data()), file_.bytes().size());
  while (start < all.size()) {
    starts_.push_back(start);
    const std::size_t newline = all.find('\n', start);
    start = newline == std::string_view::npos ? all.size() : newline + 1;
  }
  while (!starts_.empty() && line_at(starts_.back()).find_first_not_of(" \t") == std::string_view::npos)
    starts_.pop_back();
}

std::size_t TextTable::fields_in(std::string_view line, std::size_t& open_quote) const {
  std::size_t count = 1;
  bool quoted = false;
  for (std::size_t at = 0; at < line.size(); ++at) {
    if (line[at] == '"') {
      quoted = !quoted;
      if (quoted) open_quote = at + 1;
    } else if (!quoted && line[at] == delimiter_) {
      ++count;
    }
  }
  if (!quoted) open_quote = 0;
  return count;
}

void TextTable::check_shape() const {
  loom::Diagnostics problems(kMostProblems);
  for (std::int64_t row = 0; row < rows(); ++row) {
    const std::string_view line = line_at(starts_[static_cast<std::size_t>(row)]);
    std::size_t open_quote = 0;
    const std::size_t count = fields_in(line, open_quote);
    if (open_quote > 0) {
      problems.add(
          loom::Error(problem(line_of(row), open_quote, "a quote does not end in its line", "", "another \"")));
    } else if (count != names_.size()) {
      const bool blank = line.find_first_not_of(" \t") == std::string_view::npos;
      problems.add(loom::Error(problem(line_of(row), 1, "a row does not have as many fields as the table has columns",
                                       blank ? "an empty line" : fmt::format("{} fields", count),
                                       fmt::format("{} fields", names_.size()))));
    }
  }
  problems.throw_if_any();
}

loom::Diagnostic TextTable::problem(std::int64_t line, std::size_t column, std::string message, std::string got,
                                    std::string expected) const {
  loom::Diagnostic finding;
  finding.code = loom::ErrorCode::data_wrong_format;
  finding.where = {path_, static_cast<int>(line), static_cast<int>(column)};
  finding.message = std::move(message);
  finding.got = std::move(got);
  finding.expected = std::move(expected);
  return finding;
}

}  // namespace table
