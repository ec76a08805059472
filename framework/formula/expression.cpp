#include "formula/expression.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "formula/build.h"

namespace loom::formula {
namespace {

constexpr const char* kWhole = "expression";  // the name of the one result

Term number_term(const Term& place, double value) {
  Term term;
  term.number = value;
  term.span = place.span;
  term.place = place.place;
  return term;
}

}  // namespace

Error Expression::error(const FormulaError& problem) const {
  Diagnostic finding = diagnostic_of({"", text_}, problem);
  if (finding.code == ErrorCode::bad_formula) finding.code = ErrorCode::bad_expression;
  return Error(std::move(finding));
}

Error Expression::no_value() const {
  FormulaError problem({0, static_cast<int>(text_.size())}, "this expression has no finite value");
  problem.expected = "a finite number";
  return error(problem);
}

Expression::Expression(std::string text) : text_(std::move(text)) {
  try {
    if (text_.find_first_not_of(" \t\r\n") == std::string::npos) {
      FormulaError problem({0, 0}, "the expression is empty");
      problem.expected = "arithmetic, as in ${2 * n + 1}";
      throw problem;
    }
    term_ = parse(text_);
  } catch (const FormulaError& problem) {
    throw error(problem);
  }
  collect(term_);
}

void Expression::collect(const Term& term) {
  if (term.kind == Term::Kind::name && why_no_word(term.word).empty()) names_.push_back({term.word, term.span});
  if (term.kind == Term::Kind::extent) ports_.push_back({term.word, term.place});
  for (const Term& argument : term.arguments) collect(argument);
}

std::string Expression::with(const Replacement& name, const Replacement& port) const {
  struct Change {
    Span span;
    std::string text;
  };
  std::vector<Change> changes;
  for (const Word& word : names_) changes.push_back({word.span, name(word.text)});
  for (const Word& word : ports_) changes.push_back({word.span, port(word.text)});
  std::ranges::sort(changes, std::greater<>(), [](const Change& change) { return change.span.begin; });
  std::string text = text_;
  for (const Change& change : changes)
    text.replace(static_cast<std::size_t>(change.span.begin),
                 static_cast<std::size_t>(change.span.end - change.span.begin), change.text);
  return text;
}

Term Expression::replaced(const Term& term, const Number& number, const Extent& extent) const {
  if (term.kind == Term::Kind::name && why_no_word(term.word).empty()) return number_term(term, number(term.word));
  if (term.kind == Term::Kind::extent) {
    const Term& axis = term.arguments.front();
    const double place = value(replaced(axis, number, extent));
    if (std::floor(place) != place || std::abs(place) > 1000) {
      FormulaError problem(axis.span, "an axis is a whole number");
      problem.expected = "1 for the first axis of a sample, -1 for the last";
      throw problem;
    }
    return number_term(term, extent({term.word, term.place}, place, axis.span));
  }
  Term copy = term;
  for (Term& argument : copy.arguments) argument = replaced(argument, number, extent);
  return copy;
}

double Expression::value(const Term& term) const {
  const FormulaSet set{{}, {{{"", text_}, kWhole, term}}};
  const Built built = build(set, {}, {});
  const Operation& result = built.list[built.outputs.front()];
  return result.kind == Operation::Kind::constant ? result.p : std::numeric_limits<double>::quiet_NaN();
}

double Expression::value(const Number& number, const Extent& extent) const {
  try {
    return value(replaced(term_, number, extent));
  } catch (const FormulaError& problem) {
    throw error(problem);
  } catch (const Error& problem) {
    Diagnostic finding = problem.diagnostics().front();
    if (finding.code == ErrorCode::bad_formula) finding.code = ErrorCode::bad_expression;
    throw Error(std::move(finding));
  }
}

}  // namespace loom::formula
