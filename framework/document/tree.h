// A resolved document as a tree of values: what its text, its JSON and the difference of two documents are made of.
#pragma once

#include <string>

#include "document/document.h"

namespace loom {

// Keys in the order of the format: version, graph, doc, plugins, data, nodes, losses, objectives, train, generate, metrics.
// Sections that hold nothing are left out; keys that have a default are there with their value.
OptionMap document_tree(const Document& document);

// The same for its parts.
OptionValue tree_of(const ScheduleEntry& schedule);
OptionMap tree_of(const NodeEntry& node);
OptionMap tree_of(const TypedEntry& entry);

}  // namespace loom
