// What the batch is computed with: the state that all workers share while a batch runs, and the lanes, each the sums of
// its own shards.
//
// Internal to framework/run. Thread safety: BatchState is only read while a batch runs; a lane belongs to one worker at
// any time.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "run/batch_memory.h"
#include "run/batch_sums.h"
#include "run/gradient_sums.h"
#include "run/plan.h"
#include "run/program_request.h"

namespace loom {

// What all lanes of a program share while a batch runs.
struct BatchState {
  const Graph* graph = nullptr;
  const Tape* tape = nullptr;
  const Plan* plan = nullptr;
  bool training = false;
  int lanes = 1;
  std::span<const TensorView> feeds;
  std::span<const std::vector<double>> weights;
  std::int64_t samples = 0;
  std::int64_t shard = 0;
  std::uint64_t seed = 0;
  std::uint32_t step = 0;
  std::int64_t first_item = -1;                          // StepInput::first_item
  std::span<const std::int64_t> starts;                  // StepInput::starts
  BatchMemory memory;                                    // what crosses a stage
  const float* zeros = nullptr;                          // as large as the largest output that gets no gradient
  GradientSums gradients;                                // of the lanes, by the tape's gradient slots
  std::vector<std::vector<std::int64_t>> tally_offsets;  // per node and tally
  BatchSums sums;                                        // where the sums over the batch lie
};

// Floats of each gradient slot: of the objectives' parameters, in order.
std::vector<std::int64_t> slot_counts(const ParameterStore& store, const ProgramRequest& request);
// Chooses where each tally lies in a lane's, on a cache line; returns how many floats they are.
std::int64_t place_tallies(const Graph& graph, BatchState& batch);

// Sums of the lane's shards, which are added in order; those of the gradients are in BatchState.
class Lane {
 public:
  Lane(int index, std::int64_t tallies);

  int index() const { return index_; }
  void resize_sums(std::size_t count);
  void clear();  // before the first shard
  std::span<float> tallies() { return tallies_.values(); }
  std::span<double> sums() { return sums_; }  // over the batch: BatchSums

 private:
  int index_;
  Tensor tallies_;
  std::vector<double> sums_;
};

}  // namespace loom
