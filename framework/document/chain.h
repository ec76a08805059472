// The inputs that the instances of a `repeat` take from the previous instance.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "document/expression.h"
#include "document/value.h"

namespace loom {

// What an instance takes from the one before it: a place in its `in`, and the output that goes there ("": the first).
struct Link {
  Value* source;
  std::string output;
};

// `chain: [a, b]` or `chain: {a: output, ...}`; without it the first input; `chain: []` links nothing. No value if it is
// wrong, with a diagnostic: E104, E105. The links point into `instance`.
std::optional<std::vector<Link>> links_of(Value& instance, const Member& member, const Variables& variables,
                                          TextBudget& budget, Diagnostics& diagnostics);

}  // namespace loom
