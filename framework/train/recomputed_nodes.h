// The nodes that `train.recompute` names: what they give is computed again in the backward pass (run/recompute.h).
//
// Thread safety: functions of their arguments.
#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"
#include "train/check_patterns.h"

namespace loom {

// Those whose path matches, and that can be computed again: none without a pattern.
std::vector<int> recomputed_nodes(const Graph& graph, const std::vector<std::string>& patterns);

// A pattern that names no node that could be computed again is a mistake: E214.
void check_recompute(const Graph& graph, const PlacedPatterns& patterns, Diagnostics& diagnostics);

}  // namespace loom
