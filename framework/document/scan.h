// `rnn: {scan: blocks/gru.yaml, in: {x: tokens}, state: {h: start}}`: a part that is applied at each place of an axis. Its
// nodes are expanded like those of a block, and then become the part of one node (graph/scan_type.h).
//
// Internal to framework/document. Thread safety: functions of their arguments.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "document/block.h"
#include "document/expression.h"
#include "document/names.h"
#include "document/section.h"
#include "graph/graph_document.h"

namespace loom {

// A scan whose nodes are expanded under the prefix of its scope.
struct PendingScan {
  std::string path;  // of the node
  const Scope* scope = nullptr;
  ScanEntry entry;                   // without its nodes; the sources of its outputs are not yet resolved
  std::vector<BlockOutput> outputs;  // of the part

  std::string inside(const std::string& name) const { return scope->prefix + name; }
};

// Evaluates the expressions of a node but those of a part that stands in it, whose variables are its own.
void substitute_outside_part(Value& node, const Variables& variables, TextBudget& budget, Diagnostics& diagnostics);

// The inputs that a part declares, and what `in`, `whole` and `state` connect to them: into `scan` and into the inputs of the
// node. Findings: E102, E105, E203, E205.
void bind_scan_inputs(const Value& part, Section& node, const Member& member, ScanEntry& scan, NodeEntry& entry);

// Whether a path lies in the part of one of the scans.
bool is_in_part(const std::string& path, const std::vector<PendingScan>& scans);

// Moves the nodes of the part out of `entries` into their scan, under their names in the part. E213 for weights of nodes
// outside.
void collect_scan(PendingScan& scan, const Names& names, std::vector<NodeEntry>& entries, Diagnostics& diagnostics);

// The keys of a resolved scan: the part with its nodes, and `in`, `whole`, `state`.
OptionMap scan_tree(const NodeEntry& node);

}  // namespace loom
