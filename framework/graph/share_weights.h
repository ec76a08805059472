// `weights:` of a node: it uses the parameters and states of another node in place of its own. A node of another type
// may lend what it has under the same names and of the same shapes (a codebook to what looks codes up in it).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "loom/error.h"

namespace loom {

// Gives the sharing nodes the paths of the owners' parameters. `entries[i]` is what `nodes[i]` was made of. A node
// whose weights are themselves shared leads to their owner. A node of another type than its owner must find each of its
// own there, by name and shape. Findings: E213.
void share_weights(std::vector<GraphNode>& nodes, const std::vector<const NodeEntry*>& entries,
                   const std::map<std::string, int>& index, Diagnostics& diagnostics);

}  // namespace loom
