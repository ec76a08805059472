// The axes that a call names, as axes of its value.
//
// Thread safety: pure functions. Errors: throws FormulaError.
#pragma once

#include <string>

#include "formula/operations.h"
#include "formula/parse.h"

namespace loom::formula {

// "[N, 3, 4]", of the event [3, 4].
std::string text_of(const Shape& event);

// The axes of `axis=`, which count from 1, or from the end; without it, all axes.
Axes axes_of(const Term& call, const Shape& shape);
// The one axis of a function along an axis; without `axis=`, the last.
int axis_of(const Term& call, const Shape& shape);

}  // namespace loom::formula
