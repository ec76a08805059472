// The memory and order plan of a tape: which steps run in which stage, which values stay in a lane and which are kept
// for the whole batch, the place of each value in a lane's arena, and which steps must wait for which.
//
// Stages: even stages run shard by shard on the lanes, odd ones hold whole-batch steps and run once. A tape without
// whole-batch nodes is one stage: forward and backward of a shard follow each other and its activations never leave
// the lane. A value that is read in another stage than it was written, or by a whole-batch step, is kept for the batch.
#pragma once

#include <cstddef>
#include <vector>

#include "graph/graph.h"
#include "graph/tape.h"

namespace loom {

enum class Storage { unused, feed, arena, batch };

struct PlannedBlock {
  Storage storage = Storage::unused;
  DType type = DType::f32;  // of a value: what it is stored as (run/storage.h)
  std::size_t offset = 0;   // in a lane's arena
  std::size_t bytes = 0;    // arena: at the planned shard; batch: of one sample
  bool per_sample = true;
  int first_stage = 0, last_stage = 0;  // batch: between which it is needed
};

// What a step needs beside its values, at the planned shard.
struct StepMemory {
  std::size_t scratch = 0;
  std::size_t saved = 0;  // of a forward or repeat step; the backward steps behind it read it
};

struct Plan {
  std::vector<int> stage;                      // per step
  std::vector<std::vector<int>> stages;        // steps of each stage, in tape order
  std::vector<bool> whole_batch;               // per step
  std::vector<std::vector<int>> predecessors;  // per step: steps of the same stage that must come before
  std::vector<PlannedBlock> values;            // per value; meaningful for roots
  std::vector<PlannedBlock> scratch;           // per step
  std::vector<PlannedBlock> saved;             // per forward or repeat step; batch: bytes of one shard
  std::vector<int> saver;                      // per step: the one that writes the saved memory it uses, or -1
  std::size_t arena_bytes = 0;
};

// Plans for shards of `shard` samples. `memory` is per step (empty: nothing beside the values).
Plan make_plan(const Graph& graph, const Tape& tape, bool training, std::int64_t shard,
               const std::vector<StepMemory>& memory);

}  // namespace loom
