// An order in which the nodes of a graph can be computed.
#pragma once

#include <vector>

#include "graph/graph.h"
#include "loom/error.h"

namespace loom {

// A node whose options follow from the shape of another node.
struct SizeEdge {
  int node, source;
};

// Sources before consumers, otherwise as in the document. Every cycle is reported (E209), and its nodes are omitted.
std::vector<int> topological_order(const std::vector<GraphNode>& nodes, const std::vector<SizeEdge>& sizes,
                                   Diagnostics& diagnostics);

}  // namespace loom
