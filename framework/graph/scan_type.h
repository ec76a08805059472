// `scan`: a part of a graph that is applied at each place of an axis, with a state that goes from step to step. It is one
// node of the graph around it, of a type of its own: its ports are those of the part, its parameters those of the nodes
// inside.
//
//   y[t], h[t] = part(x[t], c, h[t-1]),  h[-1] given,  t = 0 .. T-1 along the axis (reverse: from the last to the first)
//   outputs: each output of the part, stacked along the axis, and NAME_last, the state after the last step
//
// Internal to framework/graph. Thread safety: functions of their arguments.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "graph/graph.h"

namespace loom {

// The type before shapes are known: its ports and options. Findings: states that have no output of their name.
std::shared_ptr<const NodeType> scan_ports(const NodeEntry& entry, Diagnostics& diagnostics);

// Gives a scan the type that follows from the shapes of its sources, which are known: `initial` are the rules of its
// parameters (null: as they are declared). False with findings: E202 to E208 about the part, E207 about axes, steps and
// states, E702 about nodes that cannot be in a part.
bool complete_scan(std::span<const GraphNode> nodes, GraphNode& scan, const NodeEntry& entry, const Registry& registry,
                   std::vector<std::shared_ptr<const InitialValues>>& initial, Diagnostics& diagnostics);

}  // namespace loom
