#include "formula/formula_error.h"

#include <algorithm>

namespace loom::formula {
namespace {

constexpr std::size_t kWidth = 90;  // bytes of a long line that are shown

bool continues(char c) { return (static_cast<unsigned char>(c) >> 6) == 2; }  // a character of several bytes

std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return !continues(c); }));
}

}  // namespace

std::string excerpt_of(std::string_view text, Span span) {
  const auto begin = std::min(static_cast<std::size_t>(span.begin), text.size());
  const auto end = std::clamp(static_cast<std::size_t>(span.end), begin, text.size());
  std::size_t first = begin == 0 ? 0 : text.rfind('\n', begin - 1) + 1;  // npos + 1 is 0
  std::size_t last = std::min(text.find('\n', begin), text.size());
  std::string_view before, after;
  if (begin - first > kWidth / 2) {
    first = begin - kWidth / 2;
    while (first < begin && continues(text[first])) ++first;
    before = "...";
  }
  if (last - first > kWidth) {
    last = std::max(first + kWidth, begin);
    while (last > begin && continues(text[last])) --last;
    after = "...";
  }
  std::string line(before);
  line.append(text.substr(first, last - first)).append(after);
  std::ranges::replace(line, '\t', ' ');
  const std::size_t carets =
      std::max<std::size_t>(1, columns(text.substr(begin, std::min(end, last) - std::min(begin, last))));
  return line + "\n" + std::string(before.size() + columns(text.substr(first, begin - first)), ' ') +
         std::string(carets, '^');
}

Diagnostic diagnostic_of(const Formula& formula, const FormulaError& error) {
  Diagnostic finding;
  finding.code = error.code;
  const bool is_part = formula.option.find('.') != std::string::npos;  // of several formulas
  finding.message = (is_part ? formula.option + ": " : "") + error.message;
  finding.got = error.got;
  finding.expected = error.expected;
  finding.suggestion = error.suggestion;
  finding.hint = error.hint;
  if (formula.text.find_first_not_of(" \t\r\n") != std::string::npos)
    finding.excerpt = excerpt_of(formula.text, error.span);
  finding.option = formula.option;
  return finding;
}

}  // namespace loom::formula
