#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

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

// Levenshtein distance with adjacent transpositions counted once: the common typing errors.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, change});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
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
  std::vector<Diagnostic> all = items_;
  if (left_out_ > 0)
    all.back().hint += fmt::format("{}{} more findings are not shown", all.back().hint.empty() ? "" : "; ", left_out_);
  throw Error(std::move(all));
}

std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, name.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(name, candidate);
    if (distance < best_distance && distance < candidate.size()) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace loom
