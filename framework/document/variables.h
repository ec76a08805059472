// The `vars:` of a document or block.
#pragma once

#include "document/expression.h"
#include "document/value.h"

namespace loom {

// Variables may use each other, in any order and to any depth; a cycle is one diagnostic (E108) that names it. `given`
// are those that a use of a block sets: they replace declared ones. Either may be null. `scope` is that of Variables.
Variables evaluate_variables(const Value* declared, const Value* given, TextBudget& budget, Diagnostics& diagnostics,
                             const std::string& scope);

}  // namespace loom
