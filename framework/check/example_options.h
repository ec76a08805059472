// Options to check a type with: those that are given, defaults, and values of the declared ranges.
#pragma once

#include <optional>

#include "loom/check.h"

namespace loom::check {

// Nothing, and a row that says which option has to be given, where one has no value that can be derived. The table
// learns what is used.
std::optional<Options> example_options(const Contract& contract, const TypeCheck& settings, CheckTable& table);

}  // namespace loom::check
