// `weights:` of a node: it uses the parameters and states of another node in place of its own. A node of another type
// can share the tensors that have the same names and shapes (a codebook for a node that looks codes up in it).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "loom/error.h"

namespace loom {

// Gives the sharing nodes the paths of the owners' parameters. `entries[i]` is the entry of `nodes[i]`. If the
// weights of the named node are themselves shared, their owner is used. A node of another type than its owner must
// find each of its tensors there, by name and shape. Diagnostics: E213.
void share_weights(std::vector<GraphNode>& nodes, const std::vector<const NodeEntry*>& entries,
                   const std::map<std::string, int>& index, Diagnostics& diagnostics);

}  // namespace loom
