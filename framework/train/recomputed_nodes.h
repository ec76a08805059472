// The nodes that `train.recompute` names: what they give is computed again in the backward pass (run/recompute.h).
//
// Thread safety: functions of their arguments.
#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"
#include "loom/error.h"

namespace loom {

// Those whose path matches, and that can be computed again: none without a pattern, or with exclusions alone.
std::vector<int> recomputed_nodes(const Graph& graph, const std::vector<std::string>& patterns);

// A pattern that names no node that could be computed again is a mistake: E214 at `where`.
void check_recompute(const Graph& graph, const std::vector<std::string>& patterns, const Location& where,
                     Diagnostics& diagnostics);

}  // namespace loom
