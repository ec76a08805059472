// ${expressions}: arithmetic over the document's variables, in the grammar of formulas (formula/parse.h), and the sizes of
// ports, which stay in the text until shapes are known (graph/sizes.h).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "document/value.h"

namespace loom {

// Variables by name: integers, numbers, flags or texts. An empty one could not be evaluated and was reported: its
// users are broken and are not reported.
struct Variables : std::map<std::string, OptionValue> {
  // The mark of the scope in whose names shape(PORT, AXIS) finds ports ("@3:", see Names); "": it cannot stand here.
  std::string scope;

  Variables without_scope() const {
    Variables copy = *this;
    copy.scope.clear();
    return copy;
  }
};
inline constexpr char kScopeMark = '@';  // before ports that have the mark of their scope

inline constexpr std::size_t kMaxExpression = 1000;  // bytes between ${ and }
inline constexpr int kMaxBrackets = 64;              // of an expression, inside each other
inline constexpr std::size_t kMaxText = 1 << 16;     // bytes of a scalar with expressions, before and after
inline constexpr std::size_t kMaxTexts = 1 << 24;    // bytes that all expressions of a document may make together

// What the expressions of one document may still make: variables that name each other twice would double a text with
// each line, and repeats multiply it.
class TextBudget {
 public:
  // False if it is used up; reported once (E113).
  bool spend(std::size_t bytes, const Location& where, Diagnostics& diagnostics);

 private:
  std::size_t spent_ = 0;
};

// Replaces every ${...} in the scalars of `value`. A scalar that is one ${...} takes the type of the result; one that
// contains it becomes a text again. Findings: bad_expression, unknown_variable, document_too_large.
void substitute(Value& value, const Variables& variables, TextBudget& budget, Diagnostics& diagnostics);

// The names of variables in the ${...} of a text; none of one that cannot be read.
std::vector<std::string> names_used(std::string_view text);

// What expressions take a name for, beside variables: "a constant of expressions"; "" where it is free.
std::string reserved_as(const std::string& name);

}  // namespace loom
