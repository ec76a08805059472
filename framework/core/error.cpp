#include "loom/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace loom {
namespace {

struct CodeText {
  std::string_view number;
  std::string_view name;
};

constexpr auto kCodes = std::to_array<CodeText>({
#define X(identifier, number, name) {number, name},
    LOOM_ERROR_CODES(X)
#undef X
});

std::string join(const std::vector<Diagnostic>& diagnostics) {
  std::string text;
  for (const Diagnostic& diagnostic : diagnostics) {
    if (!text.empty()) text += '\n';
    text += diagnostic.text();
  }
  return text;
}

// What makes two findings one: everything but the instance of a repeat or block ("r/0" and "r/1", "e/a" and "f/a").
std::string identity(const Diagnostic& diagnostic) {
  const std::string text = diagnostic.text();
  std::string key = diagnostic.where.text() + " " + diagnostic.other.text() + " ";
  for (std::size_t i = 0; i < text.size(); ++i) {
    key += text[i];
    if (text[i] != '/') continue;
    key.erase(key.find_last_of("' ") + 1);
    while (i + 1 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '9') ++i;
  }
  return key;
}

// Levenshtein distance with adjacent transpositions counted once: the common typing errors.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::swap(before, last);
    std::swap(last, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace

std::string_view error_number(ErrorCode code) { return kCodes[static_cast<std::size_t>(code)].number; }
std::string_view error_name(ErrorCode code) { return kCodes[static_cast<std::size_t>(code)].name; }

std::string Location::text() const {
  if (!known()) return "";
  return line > 0 ? fmt::format("{}:{}:{}", file, line, column) : file;
}

std::string Diagnostic::text() const {
  std::string text = where.known() ? where.text() + ": " : "";
  text += fmt::format("error {} {}: {}", error_number(code), error_name(code), message);
  if (!got.empty()) text += fmt::format("\n    got:      {}", got);
  if (!expected.empty()) text += fmt::format("\n    expected: {}", expected);
  if (!suggestion.empty()) text += fmt::format("\n    did you mean '{}'?", suggestion);
  if (other.known()) text += fmt::format("\n    {}: {}", other_role.empty() ? "see" : other_role, other.text());
  if (!hint.empty()) text += fmt::format("\n    hint:     {}", hint);
  return text;
}

Error::~Error() = default;
const char* Error::what() const noexcept { return text_.c_str(); }

Error::Error(Diagnostic diagnostic) : Error(std::vector<Diagnostic>{std::move(diagnostic)}) {}

Error::Error(std::vector<Diagnostic> diagnostics) : diagnostics_(std::move(diagnostics)), text_(join(diagnostics_)) {}

Error::Error(ErrorCode code, std::string message, std::string hint)
    : Error(Diagnostic{.code = code,
                       .where = {},
                       .message = std::move(message),
                       .got = {},
                       .expected = {},
                       .suggestion = {},
                       .hint = std::move(hint),
                       .other = {},
                       .other_role = {}}) {}

Diagnostic& Diagnostics::add(ErrorCode code, Location where, std::string message) {
  if (items_.size() >= limit_) {
    ++left_out_;
    return overflow_ = Diagnostic{};
  }
  Diagnostic diagnostic;
  diagnostic.code = code;
  diagnostic.where = std::move(where);
  diagnostic.message = std::move(message);
  return items_.emplace_back(std::move(diagnostic));
}

void Diagnostics::add(const Error& error) {
  for (const Diagnostic& diagnostic : error.diagnostics()) add(diagnostic.code, {}, "") = diagnostic;
}

void Diagnostics::throw_if_any() const {
  if (items_.empty()) return;
  std::vector<Diagnostic> all;
  std::set<std::string> said;
  for (const Diagnostic& item : items_) {
    if (said.insert(identity(item)).second) all.push_back(item);
  }
  if (left_out_ > 0)
    all.back().hint += fmt::format("{}{} more findings are not shown", all.back().hint.empty() ? "" : "; ", left_out_);
  throw Error(std::move(all));
}

std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, name.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t longer = std::max(name.size(), candidate.size());
    if (longer - std::min(name.size(), candidate.size()) >= best_distance) continue;
    const std::size_t distance = edit_distance(name, candidate);
    if (distance < best_distance && distance < candidate.size()) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace loom
