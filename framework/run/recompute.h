// Values that are computed again in place of being kept for the batch.
//
// What a backward step in a later stage reads has to be kept for the whole batch, unless it can be computed again in that
// stage: by a node that is cheap (Contract::cheap), from values that are kept until then in any case. A `repeat` step
// writes it there, in the lane's arena. A step's result depends on its inputs, its random stream and the sums over the
// batch alone, so the bits are the same.
//
// Thread safety: a function of its arguments.
#pragma once

#include "graph/graph.h"
#include "graph/tape.h"

namespace loom {

// The tape with repeat steps where they save memory.
Tape repeat_cheap_steps(const Graph& graph, Tape tape, bool training);

}  // namespace loom
