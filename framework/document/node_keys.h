// The keys that every node may have besides its options and inputs: weights, frozen, precision, when, average, init.
//
// Thread safety: functions of their arguments. Errors: collected in the section's diagnostics.
#pragma once

#include "document/section.h"

namespace loom {

void read_node_keys(Section& section, NodeEntry& entry);

// `in` of a node of a type. References are kept as texts in Reference::node until every name is known.
void read_inputs(const Value& in, NodeEntry& entry, Diagnostics& diagnostics);

// The keys that are left, as options of the node `name`.
void read_node_options(const Section& section, const std::string& name, NodeEntry& entry);

// What a use says of the nodes of its block; `prefix` is that of the block ("encoder/"), `outer` that of the use. Its
// `init` names parameters by the nodes of the block: {out.weight: zeros}.
void apply_to_nodes(const NodeEntry& use, const std::string& prefix, const std::string& outer,
                    const std::vector<NodeEntry*>& nodes, Diagnostics& diagnostics);

}  // namespace loom
