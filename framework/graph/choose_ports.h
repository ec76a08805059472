// The ports of a node whose type lets them follow from its options, and errors of a node that does not know where its options
// stand.
//
// Internal to framework/graph.
#pragma once

#include "graph/graph.h"

namespace loom {

// False if an option whose check failed has no value: what follows from it is not known, and the error is already reported.
bool options_known(const GraphNode& node);

// Gives a node of such a type one of its own, with its ports. Where its options make none, a diagnostic says why, and the
// node is left without a type: nothing else is said of it.
void choose_ports(GraphNode& node, const NodeEntry& entry, Diagnostics& diagnostics);

// What a node has thrown, with the node's name, and the place of the option that it concerns, or of the node.
void add_placed(const Error& error, const GraphNode& node, const NodeEntry& entry, Diagnostics& diagnostics);

}  // namespace loom
