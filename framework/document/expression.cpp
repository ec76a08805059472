#include "document/expression.h"

#include <fmt/format.h>
#include <muParser.h>

#include <cctype>
#include <cmath>
#include <set>

namespace loom {
namespace {

constexpr int kMaxChain = 16;  // variables that wait for each other

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

// The remainder of a division, with the sign of the dividend: not among muParser's own.
double remainder_of(double dividend, double divisor) { return std::fmod(dividend, divisor); }

// muParser would also assign and take lists, which mean nothing here.
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
      text ? diagnostics.add(ErrorCode::bad_expression, where, fmt::format("the variable '{}' is no number", token))
      : unknown ? diagnostics.add(ErrorCode::unknown_variable, where, fmt::format("there is no variable '{}'", token))
                : diagnostics.add(ErrorCode::bad_expression, where,
                                  fmt::format("this expression cannot be evaluated: {}", problem.GetMsg()));
  finding.got = "${" + expression + "}";
  if (text) finding.expected = "numbers; a text stands alone: ${" + token + "}";
  if (!unknown) finding.expected = "arithmetic over variables, as in ${2 * n + 1}";
  if (text || !unknown) return;
  std::vector<std::string> names = names_of(variables);
  finding.suggestion = nearest_name(token, names);
  for (const std::string& name : names) finding.expected += (finding.expected.empty() ? "one of " : ", ") + name;
  if (names.empty()) finding.hint = "declare it under vars:";
}

// Empty where it cannot be evaluated; the finding is made.
OptionValue evaluate(const std::string& expression, const Location& where, const Variables& variables,
                     Diagnostics& diagnostics) {
  const std::string text = trimmed(expression);
  if (const auto it = variables.find(text); it != variables.end()) return it->second;
  const auto fail = [&](const std::string& message) {
    Diagnostic& finding = diagnostics.add(ErrorCode::bad_expression, where, message);
    finding.got = "${" + expression + "}";
    finding.expected = "arithmetic over variables, as in ${2 * n + 1}";
    return OptionValue();
  };
  if (const std::string why = forbidden(text); !why.empty()) return fail("this expression cannot be evaluated: " + why);
  mu::Parser parser;
  std::map<std::string, double> numbers;
  for (const auto& [name, value] : variables) {
    if (text.find(name) == std::string::npos) continue;
    if (const auto* i = std::get_if<std::int64_t>(&value)) numbers[name] = static_cast<double>(*i);
    if (const auto* d = std::get_if<double>(&value)) numbers[name] = *d;
  }
  try {
    for (auto& [name, value] : numbers) parser.DefineVar(name, &value);
    parser.DefineOprt("%", remainder_of, mu::prMUL_DIV, mu::oaLEFT, false);
    parser.SetExpr(text);
    int results = 0;
    const double* result = parser.Eval(results);
    if (results != 1) return fail("this expression has several values");
    if (!std::isfinite(*result)) return fail("this expression has no finite value");
    return number_value(*result);
  } catch (const mu::Parser::exception_type& problem) {
    report(problem, expression, where, variables, diagnostics);
  }
  return {};
}

// Names that expressions can use: what muParser takes for a variable and not for a function.
bool check_variable(const Member& member, Diagnostics& diagnostics) {
  static const std::set<std::string> kFunctions = [] {
    std::set<std::string> names = {"index"};
    const mu::Parser parser;
    for (const auto& [name, function] : parser.GetFunDef()) names.insert(name);
    return names;
  }();
  const std::string& name = member.key;
  bool good = !name.empty() && name.size() <= 100 && std::isdigit(static_cast<unsigned char>(name[0])) == 0;
  for (const char c : name) good = good && (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_');
  const bool taken = kFunctions.count(name) > 0;
  if (good && !taken) return true;
  Diagnostic& finding = diagnostics.add(ErrorCode::bad_name, member.where, "this cannot be the name of a variable");
  finding.got = name.substr(0, 60) + (taken ? ", which expressions already know" : "");
  finding.expected = "letters, digits and '_', not starting with a digit, at most 100";
  return false;
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
      Diagnostic& finding = diagnostics.add(ErrorCode::bad_expression, value.where, "'${' without '}'");
      finding.got = value.scalar.substr(0, 80);
      finding.expected = "${...}";
      value.broken = true;
      return;
    }
    const OptionValue one =
        evaluate(value.scalar.substr(open + 2, close - open - 2), value.where, variables, diagnostics);
    if (one.empty()) value.broken = true;
    if (open == 0 && close + 1 == value.scalar.size()) {
      if (!one.empty()) set_scalar(value, one);
      return;
    }
    result += value.scalar.substr(at, open - at) + one.text();
    at = close + 1;
  }
  if (at > 0) value.scalar = result + value.scalar.substr(at);
}

void report_variable(const Member& member, const Variables& variables, Diagnostics& diagnostics) {
  Value value = member.value;
  substitute(value, variables, diagnostics);
  if (value.broken) return;
  Diagnostic& finding = diagnostics.add(ErrorCode::wrong_type, value.where,
                                        fmt::format("the variable '{}' has the wrong type", member.key));
  finding.got = value.kind_name();
  finding.expected = "a number or a text";
}

}  // namespace

void substitute(Value& value, const Variables& variables, Diagnostics& diagnostics) {
  if (value.kind == Value::Kind::scalar && !value.broken) substitute_scalar(value, variables, diagnostics);
  for (Value& item : value.items) substitute(item, variables, diagnostics);
  for (Member& member : value.members) substitute(member.value, variables, diagnostics);
}

Variables evaluate_variables(const Value* declared, Diagnostics& diagnostics) {
  return evaluate_variables(declared, nullptr, diagnostics);
}

Variables evaluate_variables(const Value* declared, const Value* given, Diagnostics& diagnostics) {
  Variables variables;
  for (const Value* map : {declared, given}) {
    if (map == nullptr || map->is_map() || map->is_null() || map->broken) continue;
    Diagnostic& finding = diagnostics.add(ErrorCode::wrong_type, map->where, "vars has the wrong type");
    finding.got = map->kind_name();
    finding.expected = "a map of names and values";
  }
  std::vector<Member> open;
  for (const Member& member : declared != nullptr ? declared->members : std::vector<Member>()) {
    if (!check_variable(member, diagnostics)) continue;
    open.push_back(member);
    if (const Value* replaced = given != nullptr ? given->find(member.key) : nullptr) open.back().value = *replaced;
  }
  // A merge leaves the order of the parent, so order cannot matter: what fails may only have to wait for the others.
  for (int chain = 0; !open.empty() && chain < kMaxChain; ++chain) {
    const std::size_t before = open.size();
    std::erase_if(open, [&](const Member& member) {
      Diagnostics waiting;
      Value value = member.value;
      substitute(value, variables, waiting);
      if (!waiting.empty() || value.kind != Value::Kind::scalar) return false;
      variables[member.key] = scalar_value(value);
      return true;
    });
    if (open.size() == before) break;
  }
  for (const Member& member : open) report_variable(member, variables, diagnostics);
  for (const Member& member : open) variables[member.key] = OptionValue(std::int64_t{1});  // its users are not reported
  for (const Member& member : given != nullptr ? given->members : std::vector<Member>()) {
    if (variables.count(member.key) > 0) continue;
    const std::vector<std::string> names = names_of(variables);
    Diagnostic& finding = diagnostics.add(ErrorCode::unknown_variable, member.where,
                                          fmt::format("the block has no variable '{}'", member.key));
    for (const std::string& name : names) finding.expected += (finding.expected.empty() ? "one of " : ", ") + name;
    if (names.empty()) finding.expected = "no vars";
    finding.suggestion = nearest_name(member.key, names);
    finding.other = declared != nullptr ? declared->where : Location{};
    finding.other_role = "the block's vars";
  }
  return variables;
}

}  // namespace loom
