#include "document/expression.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "formula/build.h"
#include "formula/expression.h"
#include "graph/sizes.h"

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

int depth_of_brackets(const std::string& text) {
  int depth = 0, deepest = 0;
  for (const char c : text) {
    depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    deepest = std::max(deepest, depth);
  }
  return deepest;
}

// Of a variable that depends on the size of a port: the text between its braces; "" for any other value.
std::string size_of(const OptionValue& value) {
  const auto* text = std::get_if<std::string>(&value);
  const bool whole = text != nullptr && text->starts_with("${") && text->find('}') + 1 == text->size();
  return whole ? text->substr(2, text->size() - 3) : "";
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
    const auto variable = variables_.find(text_);
    if (variable != variables_.end() && size_of(variable->second).empty()) return variable->second;
    if (expression_.size() > kMaxExpression) return too_large(fmt::format("at most {} bytes", kMaxExpression));
    if (depth_of_brackets(text_) > kMaxBrackets)
      return too_large(fmt::format("at most {} nested brackets", kMaxBrackets));
    try {
      const formula::Expression expression(text_);
      return known_names(expression) ? value_of(expression) : OptionValue();
    } catch (const Error& error) {
      Diagnostic finding = error.diagnostics().front();
      finding.where = where_;
      diagnostics_.add(Error(std::move(finding)));
    }
    return {};
  }

 private:
  // Whether every name is that of a number; a broken variable is reported where it stands.
  bool known_names(const formula::Expression& expression) const {
    for (const formula::Expression::Word& name : expression.names()) {
      const auto it = variables_.find(name.text);
      if (it != variables_.end() && it->second.empty()) return false;
      formula::FormulaError problem(name.span, "");
      if (it == variables_.end()) {
        problem.code = ErrorCode::unknown_variable;
        problem.message = fmt::format("there is no variable '{}'", name.text);
        const std::vector<std::string> names = names_of(variables_);
        problem.suggestion = nearest_name(name.text, names);
        for (const std::string& one : names) problem.expected += (problem.expected.empty() ? "one of " : ", ") + one;
        if (names.empty()) problem.hint = "declare it under vars:";
      } else if (!number_of(it->second) && size_of(it->second).empty()) {
        problem.message = fmt::format("the variable '{}' is not a number", name.text);
        problem.expected = "numbers; a text variable must be the whole expression: ${" + name.text + "}";
      } else {
        continue;
      }
      throw expression.error(problem);
    }
    return true;
  }

  static std::optional<double> number_of(const OptionValue& value) {
    if (const auto* i = std::get_if<std::int64_t>(&value)) return static_cast<double>(*i);
    if (const auto* d = std::get_if<double>(&value)) return *d;
    return std::nullopt;
  }

  OptionValue value_of(const formula::Expression& expression) const {
    bool sizes = !expression.ports().empty();
    const auto number = [&](const std::string& name) {
      const std::optional<double> known = number_of(variables_.at(name));
      sizes = sizes || !known;
      return known.value_or(1);
    };
    const double value = expression.value(number, [](const auto&, double, formula::Span) { return 1.0; });
    if (sizes) return with_sizes(expression);
    if (!std::isfinite(value)) throw expression.no_value();
    return number_option(value);
  }

  // The text for the graph: its numbers, and the ports with the scope in which they are named.
  OptionValue with_sizes(const formula::Expression& expression) const {
    if (variables_.scope.empty()) {
      const auto& ports = expression.ports();
      formula::FormulaError problem(
          ports.empty() ? formula::Span{0, static_cast<int>(text_.size())} : ports.front().span,
          "the sizes of ports are not known here");
      problem.expected = "numbers; shape(...) stands in options of nodes, losses and draws, and in vars";
      throw expression.error(problem);
    }
    const auto name = [&](const std::string& word) {
      const OptionValue& value = variables_.at(word);
      const std::optional<double> number = number_of(value);
      if (!number) return "(" + size_of(value) + ")";
      return *number < 0 ? "(" + value.text() + ")" : value.text();
    };
    const auto port = [&](const std::string& word) {
      return word.starts_with(kScopeMark) ? word : variables_.scope + word;
    };
    return OptionValue("${" + expression.with(name, port) + "}");
  }

  OptionValue too_large(std::string expected) {
    Diagnostic& finding = diagnostics_.add(ErrorCode::document_too_large, where_, "this expression is too large");
    finding.got = clipped("${" + expression_ + "}", 80);
    finding.expected = std::move(expected);
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
    try {
      const formula::Expression expression(trimmed(std::string(text.substr(open + 2, close - open - 2))));
      for (const formula::Expression::Word& name : expression.names()) names.push_back(name.text);
    } catch (const Error&) {
      // It is reported where it is evaluated.
    }
    open = close;
  }
  return names;
}

std::string reserved_as(const std::string& name) {
  if (name == "index") return "the number of an instance in a repeat";
  return formula::why_no_word(name).empty() ? "" : "a constant of expressions";
}

}  // namespace loom
