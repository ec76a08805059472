// Other types in the place of a resolved document's nodes: graph-runner ctl RUN swap NODE TYPE.
#pragma once

#include "live/change.h"

namespace loom {

// Changes the node's entry and renders the document again. Throws bad_command: an unknown node with the nearest name, a
// value that is none.
void apply_node_change(Document& document, const NodeChange& change);

// "NODE TYPE k=v ..." as NodeChange::text() writes it; throws bad_command.
NodeChange parse_node_change(const std::vector<std::string>& words);

}  // namespace loom
