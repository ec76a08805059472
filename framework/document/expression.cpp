#include "document/expression.h"

#include <fmt/format.h>
#include <muParser.h>

#include <algorithm>
#include <cctype>
#include <cmath>

namespace loom {
namespace {

std::vector<std::string> names_of(const Variables& variables) {
  std::vector<std::string> names;
  for (const auto& [name, value] : variables) names.push_back(name);
  return names;
}

std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t");
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

OptionValue number_value(double value) {
  if (std::floor(value) == value && std::abs(value) < 9e15) return OptionValue(static_cast<std::int64_t>(value));
  return OptionValue(value);
}

// The remainder of a division, with the sign of the dividend: muParser has no such operator.
double remainder_of(double dividend, double divisor) { return std::fmod(dividend, divisor); }

// muParser also accepts assignments and lists, which have no meaning here.
std::string forbidden(const std::string& text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') continue;
    const char before = i > 0 ? text[i - 1] : ' ';
    if (i + 1 < text.size() && text[i + 1] == '=') {
      ++i;
    } else if (before != '<' && before != '>' && before != '!') {
      return "'=' assigns; '==' compares";
    }
  }
  return "";
}

void report(const mu::Parser::exception_type& problem, const std::string& expression, const Location& where,
            const Variables& variables, Diagnostics& diagnostics) {
  const std::string token = problem.GetToken();
  const bool unknown = problem.GetCode() == mu::ecUNASSIGNABLE_TOKEN;
  const bool text = unknown && variables.count(token) > 0;
  Diagnostic& finding =
      text ? diagnostics.add(ErrorCode::bad_expression, where, fmt::format("the variable '{}' is not a number", token))
      : unknown ? diagnostics.add(ErrorCode::unknown_variable, where, fmt::format("there is no variable '{}'", token))
                : diagnostics.add(ErrorCode::bad_expression, where,
                                  fmt::format("this expression cannot be evaluated: {}", problem.GetMsg()));
  finding.got = "${" + expression + "}";
  if (text) finding.expected = "numbers; a text variable must be the whole expression: ${" + token + "}";
  if (!unknown) finding.expected = "arithmetic over variables, as in ${2 * n + 1}";
  if (text || !unknown) return;
  std::vector<std::string> names = names_of(variables);
  finding.suggestion = nearest_name(token, names);
  for (const std::string& name : names) finding.expected += (finding.expected.empty() ? "one of " : ", ") + name;
  if (names.empty()) finding.hint = "declare it under vars:";
}

int depth_of_brackets(const std::string& text) {
  int depth = 0, deepest = 0;
  for (const char c : text) {
    depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    deepest = std::max(deepest, depth);
  }
  return deepest;
}

// Adds what muParser lacks. Creating a parser takes longer than most evaluations, so each thread keeps one.
mu::Parser& parser_of_this_thread() {
  static thread_local mu::Parser parser = [] {
    mu::Parser made;
    made.DefineOprt("%", remainder_of, mu::prMUL_DIV, mu::oaLEFT, false);
    return made;
  }();
  return parser;
}

bool is_inner(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The end of the number that starts at `at`: digits, a point, an exponent.
std::size_t end_of_number(std::string_view text, std::size_t at) {
  while (at < text.size() && (is_digit(text[at]) || text[at] == '.')) ++at;
  if (at >= text.size() || (text[at] != 'e' && text[at] != 'E')) return at;
  std::size_t digits = at + 1;
  if (digits < text.size() && (text[digits] == '+' || text[digits] == '-')) ++digits;
  if (digits >= text.size() || !is_digit(text[digits])) return at;
  while (digits < text.size() && is_digit(text[digits])) ++digits;
  return digits;
}

// The words of one expression that are variables.
void add_names(std::string_view text, std::vector<std::string>& names) {
  for (std::size_t at = 0; at < text.size();) {
    if (is_digit(text[at])) {
      at = end_of_number(text, at);
      continue;
    }
    std::size_t end = at;
    while (end < text.size() && is_inner(text[end])) ++end;
    if (end == at) {
      ++at;
      continue;
    }
    const std::size_t after = std::min(text.find_first_not_of(" \t", end), text.size());
    const bool called = after < text.size() && text[after] == '(';
    if (!called) names.emplace_back(text.substr(at, end - at));
    at = end;
  }
}

// Empty if it cannot be evaluated; this is reported.
class Evaluation {
 public:
  Evaluation(std::string expression, const Location& where, const Variables& variables, Diagnostics& diagnostics)
      : expression_(std::move(expression)),
        text_(trimmed(expression_)),
        where_(where),
        variables_(variables),
        diagnostics_(diagnostics) {}

  OptionValue run() {
    if (const auto it = variables_.find(text_); it != variables_.end()) return it->second;
    if (expression_.size() > kMaxExpression) return too_large(fmt::format("at most {} bytes", kMaxExpression));
    if (depth_of_brackets(text_) > kMaxBrackets)
      return too_large(fmt::format("at most {} nested brackets", kMaxBrackets));
    if (const std::string why = forbidden(text_); !why.empty())
      return fail("this expression cannot be evaluated: " + why);
    std::vector<std::string> names;
    add_names(text_, names);
    std::map<std::string, double> numbers;
    for (const std::string& name : names) {
      const auto it = variables_.find(name);
      if (it == variables_.end()) continue;
      if (it->second.empty()) return {};  // its error is reported
      if (const auto* i = std::get_if<std::int64_t>(&it->second)) numbers[name] = static_cast<double>(*i);
      if (const auto* d = std::get_if<double>(&it->second)) numbers[name] = *d;
    }
    return calculate(numbers);
  }

 private:
  OptionValue fail(const std::string& message) {
    Diagnostic& finding = diagnostics_.add(ErrorCode::bad_expression, where_, message);
    finding.got = "${" + expression_ + "}";
    finding.expected = "arithmetic over variables, as in ${2 * n + 1}";
    return {};
  }

  OptionValue too_large(std::string expected) {
    Diagnostic& finding = diagnostics_.add(ErrorCode::document_too_large, where_, "this expression is too large");
    finding.got = clipped("${" + expression_ + "}", 80);
    finding.expected = std::move(expected);
    return {};
  }

  OptionValue calculate(std::map<std::string, double>& numbers) {
    try {
      mu::Parser& parser = parser_of_this_thread();
      parser.ClearVar();
      for (auto& [name, value] : numbers) parser.DefineVar(name, &value);
      parser.SetExpr(text_);
      int results = 0;
      const double* result = parser.Eval(results);
      if (results != 1) return fail("this expression has several values");
      if (!std::isfinite(*result)) return fail("this expression has no finite value");
      return number_value(*result);
    } catch (const mu::Parser::exception_type& problem) {
      report(problem, expression_, where_, variables_, diagnostics_);
    }
    return {};
  }

  std::string expression_, text_;
  const Location& where_;
  const Variables& variables_;
  Diagnostics& diagnostics_;
};

void set_scalar(Value& value, const OptionValue& result) {
  value.scalar = result.text();
  value.quoted = std::holds_alternative<std::string>(result);
  value.kind = Value::Kind::scalar;
}

constexpr std::size_t kExpressionCost = 40;  // bytes that an evaluation counts as, besides its text

// One scalar, from left to right.
class Substitution {
 public:
  Substitution(Value& value, const Variables& variables, TextBudget& budget, Diagnostics& diagnostics)
      : value_(value), variables_(variables), budget_(budget), diagnostics_(diagnostics) {}

  void run() {
    const std::string& text = value_.scalar;
    std::string result;
    std::size_t at = 0, open = text.find("${");
    if (open == std::string::npos) return;
    if (text.size() > kMaxText) return too_long();
    for (; open != std::string::npos; open = text.find("${", at)) {
      const std::size_t close = text.find('}', open);
      if (close == std::string::npos) return unclosed();
      if (!budget_.spend(kExpressionCost + close - open, value_.where, diagnostics_)) return give_up();
      const OptionValue one =
          Evaluation(text.substr(open + 2, close - open - 2), value_.where, variables_, diagnostics_).run();
      if (one.empty()) value_.broken = true;
      const std::string part = one.text();
      if (result.size() + (open - at) + part.size() > kMaxText) return too_long();
      if (!budget_.spend(part.size(), value_.where, diagnostics_)) return give_up();
      if (open == 0 && close + 1 == text.size()) {
        if (!one.empty()) set_scalar(value_, one);
        return;
      }
      result += text.substr(at, open - at) + part;
      at = close + 1;
    }
    result += text.substr(at);
    if (result.size() > kMaxText) return too_long();
    value_.scalar = std::move(result);
  }

 private:
  void give_up() { value_.broken = true; }

  void unclosed() {
    Diagnostic& finding = diagnostics_.add(ErrorCode::bad_expression, value_.where, "'${' without '}'");
    finding.got = value_.scalar.substr(0, 80);
    finding.expected = "${...}";
    give_up();
  }

  void too_long() {
    Diagnostic& finding =
        diagnostics_.add(ErrorCode::document_too_large, value_.where, "the expressions make this text too long");
    finding.got = clipped(value_.scalar, 80);
    finding.expected = fmt::format("at most {} bytes", kMaxText);
    give_up();
  }

  Value& value_;
  const Variables& variables_;
  TextBudget& budget_;
  Diagnostics& diagnostics_;
};

}  // namespace

bool TextBudget::spend(std::size_t bytes, const Location& where, Diagnostics& diagnostics) {
  if (spent_ > kMaxTexts) return false;
  spent_ += bytes;
  if (spent_ <= kMaxTexts) return true;
  diagnostics.add(ErrorCode::document_too_large, where, "the expressions of the document produce too much text")
      .expected = fmt::format("at most {} bytes; each expression counts as {} more", kMaxTexts, kExpressionCost);
  return false;
}

void substitute(Value& value, const Variables& variables, TextBudget& budget, Diagnostics& diagnostics) {
  if (value.kind == Value::Kind::scalar && !value.broken) Substitution(value, variables, budget, diagnostics).run();
  for (Value& item : value.items) substitute(item, variables, budget, diagnostics);
  for (Member& member : value.members) substitute(member.value, variables, budget, diagnostics);
}

std::vector<std::string> names_used(std::string_view text) {
  std::vector<std::string> names;
  for (std::size_t open = text.find("${"); open != std::string_view::npos; open = text.find("${", open)) {
    const std::size_t close = text.find('}', open);
    if (close == std::string_view::npos) break;
    add_names(text.substr(open + 2, close - open - 2), names);
    open = close;
  }
  return names;
}

std::string reserved_as(const std::string& name) {
  if (name == "index") return "the number of an instance in a repeat";
  const mu::Parser& parser = parser_of_this_thread();
  if (parser.GetFunDef().count(name) > 0) return "a function of expressions";
  return parser.GetConst().count(name) > 0 ? "a constant of expressions" : "";
}

}  // namespace loom
