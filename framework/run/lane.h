// One lane: a worker's own activations, scratch and gradient sums, through which shards pass one after another.
//
// Internal to framework/run. Thread safety: at any time one shard is in a lane; its steps may run on several threads,
// ordered by the program's flow graph.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "run/batch_memory.h"
#include "run/instance.h"
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
  std::vector<std::int64_t> slot_offsets;                // of each gradient slot in a lane's sums, in floats
  std::vector<std::vector<std::int64_t>> tally_offsets;  // per node and tally
};

// How many floats a lane's sums hold.
struct SumCounts {
  std::int64_t gradients = 0, tallies = 0;
};
// Chooses where each gradient slot and tally lies in a lane's sums; each starts on a cache line.
SumCounts place_sums(const Graph& graph, const ParameterStore& store, const ProgramRequest& request, BatchState& batch);

class Lane {
 public:
  Lane(BatchState& batch, int index, const SumCounts& sums);

  void resize_arena(std::size_t bytes);
  void clear_sums();  // gradients and tallies, before the first shard
  // Points every value at its place for the samples [first, first + instance.samples()).
  void enter(const Instance& instance, std::int64_t shard_index, std::int64_t first);
  // Runs step i of the tape; `scratch` where the plan gives it none (whole-batch steps).
  void execute(int i, std::vector<StepContext>& contexts, std::span<std::byte> scratch = {});

  std::span<float> gradients() { return gradients_.values(); }
  std::span<float> tallies() { return tallies_.values(); }
  std::size_t arena_bytes() const { return arena_size_; }

 private:
  void* pointer(int value) const { return pointers_[static_cast<std::size_t>(batch_.tape->root(value))]; }
  void bind(const std::vector<int>& values, std::vector<TensorView>& views) const;
  std::span<std::byte> saved_of(const TapeStep& step) const;
  void fill(Call& call, int i, const TapeStep& step, StepContext& context, std::span<std::byte> scratch) const;
  void forward(int i, const TapeStep& step, StepContext& context, std::span<std::byte> scratch);
  void backward(int i, const TapeStep& step, StepContext& context, std::span<std::byte> scratch);
  void seed(const TapeStep& step, StepContext& context) const;
  void sum(const TapeStep& step, StepContext& context) const;
  void cast(const TapeStep& step, StepContext& context) const;

  BatchState& batch_;
  int index_;
  AlignedBytes arena_;
  std::size_t arena_size_ = 0;
  Tensor gradients_, tallies_;
  std::vector<void*> pointers_;  // per root value
  const Instance* instance_ = nullptr;
  std::int64_t shard_index_ = 0;
  std::int64_t first_ = 0;
};

}  // namespace loom
