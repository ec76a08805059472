// Nodes that other nodes imply (RelatedNode in loom/contract.h), as nodes of a graph.
//
// Ownership: values; ports belong to the graph. Thread safety: functions of values. Errors: none of their own.
#pragma once

#include <string>

#include "graph/graph.h"

namespace loom {

// "q.mu" or "z".
Reference reference_to(const Graph& graph, Port port);

// What `related`, which the node declares, is an entry of. Its place is that of the node.
NodeEntry related_entry(const Graph& graph, int node, const RelatedNode& related, std::string path);

// The first output of the only node of the graph that is what `related` describes, whatever else it sets; invalid if there
// is none, or more than one.
Port find_related(const Graph& graph, int node, const RelatedNode& related);

}  // namespace loom
