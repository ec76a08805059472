// The node that applies a part of a graph step by step, forward and backward through time.
//
// Memory: forward keeps every value of every step for backward, T times what one step of the part computes; without a
// backward pass it keeps one step. Drawn position by position it keeps the state, and a position costs one step.
//
// Internal to framework/graph. Thread safety: as of every node.
#pragma once

#include <memory>

#include "graph/step_plan.h"
#include "loom/node.h"

namespace loom {

std::unique_ptr<Node> make_scan_node(std::shared_ptr<const ScanPart> part);

}  // namespace loom
