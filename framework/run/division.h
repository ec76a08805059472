// How a batch is divided: into shards, whose activations fit a core's cache, and over lanes, each with sums of its own.
//
// Both follow from the graph and the batch alone, never from the machine: they decide in which order gradients are added,
// and so the bits of the result.
//
// Internal to framework/run. Thread safety: functions of their arguments.
#pragma once

#include <cstdint>

#include "graph/graph.h"
#include "graph/tape.h"

namespace loom {

// A power of two, at most 64 and at most the batch. More lanes let more cores work; each costs a pass over its sums, of
// the size of the parameters. So many that these passes take about 3 % of the computing and the sums at most 256 MiB, but at
// least two; where there are no gradients, so many that a lane has some work to do. A batch above 256 has no more lanes than
// one of 256, so that memory does not grow with it.
int choose_lanes(const Graph& graph, const Tape& tape, std::int64_t batch);

// A shard's values fit in the cache, and every lane gets as many shards.
std::int64_t choose_shard(const Graph& graph, const Tape& tape, bool training, std::int64_t batch, int lanes);

}  // namespace loom
