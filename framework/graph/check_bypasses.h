// `when`: a node that does not work in one mode passes its first input through, which must have the shape of its output.
//
// Thread safety: a function of its arguments. Errors (E216) are collected.
#pragma once

#include <vector>

#include "graph/graph.h"

namespace loom {

void check_bypasses(const std::vector<GraphNode>& nodes, Diagnostics& diagnostics);

}  // namespace loom
