#include "loom/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <tuple>

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

// Bytes of the texts of a diagnostic.
constexpr std::size_t kLongestGot = 400, kLongestText = 4000;

bool stands_before(const Diagnostic& a, const Diagnostic& b) {
  if (a.where.known() != b.where.known()) return a.where.known();
  return std::tie(a.where.file, a.where.line, a.where.column) < std::tie(b.where.file, b.where.line, b.where.column);
}

std::vector<Diagnostic> in_order(std::vector<Diagnostic> diagnostics) {
  std::stable_sort(diagnostics.begin(), diagnostics.end(), stands_before);
  return diagnostics;
}

std::vector<Diagnostic> bounded(std::vector<Diagnostic> diagnostics) {
  for (Diagnostic& one : diagnostics) {
    one.got = clipped(one.got, kLongestGot);
    for (std::string* text : {&one.message, &one.expected, &one.suggestion, &one.hint})
      *text = clipped(*text, kLongestText);
  }
  return diagnostics;
}

std::string join(const std::vector<Diagnostic>& diagnostics) {
  std::string text;
  for (const Diagnostic& diagnostic : diagnostics) {
    if (!text.empty()) text += '\n';
    text += diagnostic.text();
  }
  return text;
}

// Diagnostics are equal if they agree in all except the instance of a repeat or block ("r/0", "r/1"; "e/a", "f/a").
// Those about data name files, whose paths look like instances: "img/007.jpg", "img/011.jpg".
std::string identity(const Diagnostic& diagnostic) {
  const std::string text = diagnostic.text();
  if (error_number(diagnostic.code).starts_with("E4")) return text;
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
  for (std::size_t at = 0; at < excerpt.size();) {
    const std::size_t end = std::min(excerpt.find('\n', at), excerpt.size());
    text += fmt::format("\n    {}", std::string_view(excerpt).substr(at, end - at));
    at = end + 1;
  }
  if (!got.empty()) text += fmt::format("\n    got:      {}", got);
  if (!expected.empty()) text += fmt::format("\n    expected: {}", expected);
  if (!suggestion.empty()) text += fmt::format("\n    did you mean '{}'?", suggestion);
  const auto add_end_text = [&](const Location& place, const std::string& role) {
    if (place.known()) text += fmt::format("\n    {}: {}", role.empty() ? "see" : role, place.text());
  };
  add_end_text(other, other_role);
  for (const OtherEnd& end : further_ends) add_end_text(end.where, end.role);
  if (!hint.empty()) text += fmt::format("\n    hint:     {}", hint);
  return text;
}

void Diagnostic::add_end(Location place, std::string role) {
  if (!other.known()) {
    other = std::move(place);
    other_role = std::move(role);
    return;
  }
  OtherEnd end{std::move(place), std::move(role)};
  const bool said = end == OtherEnd{other, other_role} || std::ranges::find(further_ends, end) != further_ends.end();
  if (!said) further_ends.push_back(std::move(end));
}

Error::~Error() = default;
const char* Error::what() const noexcept { return text_.c_str(); }

Error::Error(Diagnostic diagnostic) : Error(std::vector<Diagnostic>{std::move(diagnostic)}) {}

Error::Error(std::vector<Diagnostic> diagnostics)
    : diagnostics_(bounded(in_order(std::move(diagnostics)))), text_(join(diagnostics_)) {}

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

Diagnostic& Diagnostics::add_unknown_word(Location where, std::string message, const std::string& word,
                                          const std::vector<std::string>& allowed) {
  Diagnostic& finding = add(ErrorCode::unknown_word, std::move(where), std::move(message));
  finding.got = word;
  for (const std::string& one : allowed) finding.expected += (finding.expected.empty() ? "one of " : ", ") + one;
  if (allowed.empty()) finding.expected = "none";
  finding.suggestion = nearest_name(word, allowed);
  return finding;
}

void Diagnostics::add(const Error& error) {
  for (const Diagnostic& diagnostic : error.diagnostics()) add(diagnostic.code, {}, "") = diagnostic;
}

void Diagnostics::throw_if_any() const {
  if (items_.empty()) return;
  std::vector<Diagnostic> all;
  std::set<std::string> said;
  for (const Diagnostic& item : in_order(items_)) {
    if (said.insert(identity(item)).second) all.push_back(item);
  }
  if (left_out_ > 0)
    all.back().hint +=
        fmt::format("{}{} more diagnostics are not shown", all.back().hint.empty() ? "" : "; ", left_out_);
  throw Error(std::move(all));
}

std::string clipped(const std::string& text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  std::size_t end = bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) >> 6) == 2) --end;  // do not split a UTF-8 character
  return fmt::format("{}... ({} bytes)", std::string_view(text).substr(0, end), text.size());
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
