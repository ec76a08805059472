// ${expressions}: arithmetic over the document's variables, evaluated with muParser.
#pragma once

#include <map>
#include <string>

#include "document/value.h"

namespace loom {

// Variables by name: integers, numbers, flags or texts.
using Variables = std::map<std::string, OptionValue>;

// Replaces every ${...} in the scalars of `value`. A scalar that is one ${...} takes the type of the result; one that
// contains it becomes a text again. Findings: bad_expression, unknown_variable.
void substitute(Value& value, const Variables& variables, Diagnostics& diagnostics);

// A document's `vars:`: each may use the others, in any order, but not in a circle.
Variables evaluate_variables(const Value* declared, Diagnostics& diagnostics);
// Those of a block: the values of `given`, the `vars:` of its use, replace the defaults; unknown names are findings.
Variables evaluate_variables(const Value* declared, const Value* given, Diagnostics& diagnostics);

}  // namespace loom
