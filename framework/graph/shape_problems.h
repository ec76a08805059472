// What is reported of shapes that contradict each other: with the nodes that make them.
//
// Thread safety: functions of their arguments.
#pragma once

#include <span>

#include "graph/graph.h"
#include "loom/shape_inference.h"

namespace loom {

// Of the shapes that a formula cannot join, where they come from.
Error with_sources(const Error& error, std::span<const GraphNode> nodes, const GraphNode& node);

void report_shapes(std::span<const GraphNode> nodes, const GraphNode& node, const ShapeInference& inference,
                   Diagnostics& diagnostics);

// Whether a machine could store what a node makes and has; reported if not.
bool sizes_possible(const GraphNode& node, const ShapeInference& inference, Diagnostics& diagnostics);

}  // namespace loom
