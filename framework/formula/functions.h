// The functions of formulas: each is declared once, with what documents it and what makes its operations.
//
// Thread safety: constant.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "formula/operations.h"

namespace loom::formula {

// The arguments of a call, whose number and kinds have been checked.
struct Arguments {
  Operations& list;
  std::vector<Id> values;
  Axes axes = 0;      // of a reduction: those that it runs over
  bool keep = false;  // of a reduction: they stay, with an extent of 1
  int axis = 0;       // of a function along one axis
};

struct Function {
  enum class Kind {
    values,     // of its values alone
    reduction,  // of one value, over axes; `min` and `max` of two values are functions of values
    along       // of one value, along one axis, the last unless axis= says which
  };
  std::string_view name;
  Kind kind;
  int arity;
  std::string_view form;  // "clip(x, low, high)"
  std::string_view doc;
  Id (*make)(const Arguments&);
};

std::span<const Function> functions();

// What else formulas and ${...} consist of, for readers: from the sign that binds least to the one that binds most.
struct Sign {
  std::string_view name, form, doc;
};
std::span<const Sign> signs();
// Null if there is none of this name. `arity` chooses between two of the same name.
const Function* find_function(std::string_view name, int arity);
bool is_function(std::string_view name);

}  // namespace loom::formula
