// `fake: {call: decoder, in: prior}`: a node, a block or a part of the graph is applied again, with the same weights.
//
// A called name is read as what it stands for, with other inputs and `weights: decoder`. A called part
// (`call: {from: z, to: mean}`) is copied after every name is known: the nodes that lie between the two ports.
// Thread safety: functions of their arguments.
#pragma once

#include <string>
#include <vector>

#include "document/value.h"
#include "graph/graph_document.h"

namespace loom {

bool is_part_call(const Value& node);  // the value of its `call` is a map
// Whether it calls a name, or is a moving average of one (`average: {of: encoder, ...}` without a type of its own): its
// definition is that of the name.
bool copies_another(const Value& node);

// The node that such a node stands for; `nodes` are those of its scope. A null value where there is none, which is
// reported: an unknown name, names that call each other in a circle, keys that a call does not take.
Value called_node(const Member& call, const Value& nodes, Diagnostics& diagnostics);

// A call of a part. `from` and `in` are equally many.
struct PartCall {
  std::string path;                 // "fake"
  std::vector<Reference> from, in;  // the ports that the part reads, and what it reads instead
  Reference to;
  When when = When::always;
  bool frozen = false;
  Location where;

  // Of the copy of a node.
  std::string copy_of(const std::string& node) const { return path + "/" + node; }
};

// References as they are written, in Reference::node.
PartCall read_part_call(const std::string& path, const Member& call, Diagnostics& diagnostics);

// The copies of the nodes on the ways from `from` to `to`, with the weights of the originals. E206 where there is no
// way.
std::vector<NodeEntry> copies_of(const PartCall& call, const std::vector<NodeEntry>& nodes, Diagnostics& diagnostics);

}  // namespace loom
