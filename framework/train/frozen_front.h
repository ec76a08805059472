// Where what is frozen ends: the ports whose values are the same at every step, so that they can be computed once.
//
// A node is part of the front if it is frozen with all its parameters and states, draws nothing in evaluation, works
// per sample, and is computed from inputs and such nodes alone. The frontier are the ports of these nodes that
// something else reads.
//
// Thread safety: a function of its arguments.
#pragma once

#include <span>
#include <vector>

#include "graph/graph.h"
#include "run/parameter_store.h"

namespace loom {

// The frontier of what `wanted` ports are computed from, in the given mode, sorted. Ports that cannot be kept on disk
// (several rows a sample, no batch axis, bytes) are passed by: the frontier then lies before them.
std::vector<Port> frozen_frontier(const Graph& graph, const ParameterStore& store, std::span<const Port> wanted,
                                  bool training);

}  // namespace loom
