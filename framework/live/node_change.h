// Replaces the types of nodes of a resolved document: graph-runner ctl RUN swap NODE TYPE.
#pragma once

#include "live/change.h"

namespace loom {

// Changes the node's entry and renders the document again. Throws bad_command for an unknown node, with the nearest
// name, and for an invalid value.
void apply_node_change(Document& document, const NodeChange& change);

// "NODE TYPE k=v ..." as NodeChange::text() writes it; throws bad_command.
NodeChange parse_node_change(const std::vector<std::string>& words);

}  // namespace loom
