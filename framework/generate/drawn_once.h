// Random values that the steps of an iterated sampler read and that its state does not change: each step must see the same
// ones, such as the class of a sample, while what is drawn given the state is drawn anew.
//
// Thread safety: a function of its arguments. Errors: none.
#pragma once

#include <span>
#include <vector>

#include "graph/graph.h"

namespace loom {

// The ports that have to be computed before the steps: what `by` is computed from them, and from `changing` ports. Ports
// that are `fed` count as values, not as random.
std::vector<Port> drawn_once(const Graph& graph, Port by, std::span<const Port> changing, std::span<const Port> fed);

}  // namespace loom
