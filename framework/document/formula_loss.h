// The short form of a loss that is a formula: `{expr: "sum(x)", in: {x: a}}` is `{type: expr, y: "sum(x)", in: {x: a}}`.
//
// Thread safety: pure functions.
#pragma once

#include "document/value.h"

namespace loom {

// Replaces the short form in `losses` of one document, before it is merged with others: so a formula replaces the loss of
// a parent, of whatever type that is, and a child may give a formula another one.
void expand_formula_losses(Value& root, Diagnostics& diagnostics);

// The same for `losses` to which --set has added a key `expr`: it replaces the type and the formula that are there.
void replace_formulas(Value& root);

}  // namespace loom
