#include "document/expression.h"

#include <fmt/format.h>
#include <muParser.h>

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

// Empty where it cannot be evaluated; the finding is made.
OptionValue evaluate(const std::string& expression, const Location& where, const Variables& variables,
                     Diagnostics& diagnostics) {
  const std::string text = trimmed(expression);
  if (const auto it = variables.find(text); it != variables.end()) return it->second;
  mu::Parser parser;
  std::map<std::string, double> numbers;
  for (const auto& [name, value] : variables) {
    if (const auto* i = std::get_if<std::int64_t>(&value)) numbers[name] = static_cast<double>(*i);
    if (const auto* d = std::get_if<double>(&value)) numbers[name] = *d;
  }
  try {
    for (auto& [name, value] : numbers) parser.DefineVar(name, &value);
    parser.SetExpr(text);
    const double result = parser.Eval();
    if (std::isfinite(result)) return number_value(result);
    diagnostics.add(ErrorCode::bad_expression, where, "this expression has no finite value").got = text;
  } catch (const mu::Parser::exception_type& problem) {
    const bool unknown = problem.GetCode() == mu::ecUNASSIGNABLE_TOKEN;
    const std::string token = problem.GetToken();
    Diagnostic& finding =
        unknown ? diagnostics.add(ErrorCode::unknown_variable, where, fmt::format("there is no variable '{}'", token))
                : diagnostics.add(ErrorCode::bad_expression, where,
                                  fmt::format("this expression cannot be evaluated: {}", problem.GetMsg()));
    finding.got = "${" + expression + "}";
    if (unknown) finding.suggestion = nearest_name(token, names_of(variables));
    if (unknown && variables.empty()) finding.hint = "declare it under vars:";
  }
  return {};
}

void set_scalar(Value& value, const OptionValue& result) {
  value.scalar = result.text();
  value.quoted = std::holds_alternative<std::string>(result);
  value.kind = Value::Kind::scalar;
}

void substitute_scalar(Value& value, const Variables& variables, Diagnostics& diagnostics) {
  std::string result;
  std::size_t at = 0;
  while (true) {
    const std::size_t open = value.scalar.find("${", at);
    if (open == std::string::npos) break;
    const std::size_t close = value.scalar.find('}', open);
    if (close == std::string::npos) {
      diagnostics.add(ErrorCode::bad_expression, value.where, "'${' without '}'").got = value.scalar;
      return;
    }
    const OptionValue one =
        evaluate(value.scalar.substr(open + 2, close - open - 2), value.where, variables, diagnostics);
    if (open == 0 && close + 1 == value.scalar.size()) {
      if (!one.empty()) set_scalar(value, one);
      return;
    }
    result += value.scalar.substr(at, open - at) + one.text();
    at = close + 1;
  }
  if (at > 0) value.scalar = result + value.scalar.substr(at);
}

}  // namespace

void substitute(Value& value, const Variables& variables, Diagnostics& diagnostics) {
  if (value.kind == Value::Kind::scalar) substitute_scalar(value, variables, diagnostics);
  for (Value& item : value.items) substitute(item, variables, diagnostics);
  for (Member& member : value.members) substitute(member.value, variables, diagnostics);
}

Variables evaluate_variables(const Value* declared, const Variables& given, const Location& given_where,
                             Diagnostics& diagnostics) {
  Variables variables;
  if (declared != nullptr && !declared->is_map() && !declared->is_null()) {
    diagnostics.add(ErrorCode::wrong_type, declared->where, "vars must be a map of names and values").got =
        declared->kind_name();
    return given;
  }
  for (const Member& member : declared != nullptr ? declared->members : std::vector<Member>()) {
    const auto it = given.find(member.key);
    if (it != given.end()) {
      variables[member.key] = it->second;
      continue;
    }
    Value value = member.value;
    substitute(value, variables, diagnostics);
    if (value.kind == Value::Kind::scalar)
      variables[member.key] = scalar_value(value);
    else
      diagnostics
          .add(ErrorCode::wrong_type, value.where,
               fmt::format("the variable '{}' must be a number or a text", member.key))
          .got = value.kind_name();
  }
  for (const auto& [name, value] : given) {
    if (variables.count(name) > 0) continue;
    Diagnostic& finding =
        diagnostics.add(ErrorCode::unknown_variable, given_where, fmt::format("the block has no variable '{}'", name));
    finding.suggestion = nearest_name(name, names_of(variables));
  }
  return variables;
}

}  // namespace loom
