// The boundary of the frozen part of a graph: the ports whose values are the same at every step and can be computed
// once.
//
// A node is part of the front if it is frozen with all its parameters and states, draws nothing in evaluation, works
// per sample, and is computed only from inputs and such nodes. The frontier is the set of ports of these nodes that
// other nodes read.
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
