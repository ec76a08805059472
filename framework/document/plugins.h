// `plugins: [huber, acme]`: the plugin libraries whose types a document or a block uses.
#pragma once

#include <vector>

#include "document/value.h"
#include "graph/graph_document.h"

namespace loom {

// Adds what the value names to `plugins`, each name once. Findings: E105; E605 for a path instead of a name, since a
// document may come from anywhere.
void read_plugins(const Value& value, std::vector<PluginEntry>& plugins, Diagnostics& diagnostics);
void add_plugin(const PluginEntry& plugin, std::vector<PluginEntry>& plugins);

// `extends`: a document needs its parent's plugins, too. Puts the parent's in front of the child's.
void merge_plugins(const Value& parent, Value& child);

}  // namespace loom
