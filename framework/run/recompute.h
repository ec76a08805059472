// Values that are computed again in place of being kept until a backward step reads them.
//
// What a backward step in a later stage reads has to be kept for the whole batch, unless it can be computed again in that
// stage: by a node that is cheap (Contract::cheap), from values that are kept until then in any case.
//
// The outputs of wanted nodes (`train.recompute`) are not kept for the backward pass. Before the first backward step that
// reads one of them, it and the wanted nodes before it are computed again, from values of other nodes, which are kept until
// then: all values of a chain of wanted nodes are in memory at once.
// Chen et al. 2016, Training Deep Nets with Sublinear Memory Cost, section 3
//
// A `repeat` step writes a value again, in the lane's arena, and the memory that its node saves for the backward step. A
// step's result depends on its inputs, its random stream and the sums over the batch alone, so the bits are the same.
//
// Thread safety: functions of their arguments.
#pragma once

#include <span>

#include "graph/graph.h"
#include "graph/tape.h"

namespace loom {

// Not what moves a state, sees the whole batch, or computes nothing.
bool can_compute_again(const GraphNode& node, bool training);

// The tape with repeat steps where they save memory, and for the outputs of the nodes `wanted`.
Tape repeat_steps(const Graph& graph, Tape tape, bool training, std::span<const int> wanted = {});

}  // namespace loom
