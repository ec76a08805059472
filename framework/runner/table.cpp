#include "runner/table.h"

#include <algorithm>

#include "runner/console.h"

namespace loom::runner {
namespace {

// Columns of a terminal: bytes that begin a character of UTF-8.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

void TextTable::print() const {
  std::vector<std::size_t> widths;
  for (const std::string& name : header) widths.push_back(width_of(name));
  for (const auto& row : rows)
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], width_of(row[c]));
  const auto line = [&](const std::vector<std::string>& row) {
    std::string text;
    for (std::size_t c = 0; c < row.size(); ++c) {
      text += row[c];
      text.append(widths[c] - width_of(row[c]) + 2, ' ');
    }
    text.erase(text.find_last_not_of(' ') + 1);
    write_out(text + "\n");
  };
  line(header);
  for (const auto& row : rows) line(row);
}

void TextTable::print_csv() const {
  const auto line = [](const std::vector<std::string>& row) {
    std::string text;
    for (std::size_t c = 0; c < row.size(); ++c) text += (c > 0 ? "," : "") + csv_field(row[c]);
    write_out(text + "\n");
  };
  line(header);
  for (const auto& row : rows) line(row);
}

}  // namespace loom::runner
