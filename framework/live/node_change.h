// Replaces the types of nodes of a resolved document: graph-runner ctl RUN swap NODE TYPE.
#pragma once

#include <string>
#include <vector>

#include "document/document.h"

namespace loom {

// ctl swap NODE TYPE [k=v...]: replaces the type of a node. The inputs stay unless some are set; the options are
// those that are set.
struct NodeChange {
  std::string node;  // "kl" (a loss), "encoder/act1"
  std::string type;
  std::vector<Override> settings;  // "function" = "silu"; "in.samples" = "z"
};

// The words NODE TYPE k=v ...; throws bad_command.
NodeChange parse_node_change(const std::vector<std::string>& words);

// Changes the node's entry and renders the document again. Throws bad_command for an unknown node, with the nearest
// name, and for an invalid value.
void apply_node_change(Document& document, const NodeChange& change);

}  // namespace loom
