// What is the same for all samples is computed once a shard, not once a sample.
//
// A learned tensor, a constant, and what deterministic nodes make of them alone (the posteriors of a VampPrior's
// pseudo-inputs, say) have the same value in each row. The steps that compute it run on one sample; a `spread` step copies
// it for each sample where another node reads it, and a `sum_rows` step adds up the gradients of the samples.
//
// Only where no step sees the whole batch: what crosses a stage is kept for each sample.
//
// Thread safety: a function of its arguments.
#pragma once

#include "graph/graph.h"
#include "graph/tape.h"

namespace loom {

Tape compute_constants_once(const Graph& graph, Tape tape, bool training);

}  // namespace loom
