// `average: {of: encoder, decay: 0.999}`: a node whose parameters and states are moving averages of those of another
// node of its type. It is not trained.
//
// Thread safety: a function of its arguments. Errors (E213) are collected.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace loom {

void follow_weights(std::vector<GraphNode>& nodes, const std::vector<const NodeEntry*>& entries,
                    const std::map<std::string, int>& index, Diagnostics& diagnostics);

}  // namespace loom
