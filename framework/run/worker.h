// One worker: activations and scratch, in which it computes one shard after another, for whichever lane a shard belongs to.
//
// There are as many workers as threads, so that activations do not grow with the number of lanes. Which worker computes a
// shard changes no bit.
//
// Internal to framework/run. Thread safety: at any time one shard is in a worker; its steps may run on several threads,
// ordered by the program's flow graph.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "run/instance.h"
#include "run/lane.h"
#include "run/plan.h"

namespace loom {

class Worker {
 public:
  explicit Worker(BatchState& batch);

  void resize_arena(std::size_t bytes);
  // Points every value at its place for the samples [first, first + instance.samples()), whose sums go to the lane.
  void enter(Lane& lane, const Instance& instance, std::int64_t shard_index, std::int64_t first);
  // Runs step i of the tape; `scratch` where the plan gives it none (whole-batch steps).
  void execute(int i, std::vector<StepContext>& contexts, std::span<std::byte> scratch = {});

  std::span<std::byte> arena() const { return {arena_.get(), arena_size_}; }

 private:
  void* pointer(int value) const { return pointers_[static_cast<std::size_t>(batch_.tape->root(value))]; }
  void bind(const std::vector<int>& values, std::vector<TensorView>& views) const;
  std::span<std::byte> saved_of(int i) const;
  std::span<double> sums_of(int sums, bool gathers) const;
  void fill(Call& call, int i, const TapeStep& step, StepContext& context, std::span<std::byte> scratch) const;
  void forward(int i, const TapeStep& step, StepContext& context, std::span<std::byte> scratch);
  void forward_again(int i, const TapeStep& step, StepContext& context, std::span<std::byte> scratch);
  void backward(int i, const TapeStep& step, StepContext& context, std::span<std::byte> scratch);
  void seed(const TapeStep& step, StepContext& context) const;
  void spread(const TapeStep& step, StepContext& context) const;
  void sum_rows(const TapeStep& step, StepContext& context) const;
  void sum(const TapeStep& step, StepContext& context) const;

  BatchState& batch_;
  AlignedBytes arena_;
  std::size_t arena_size_ = 0;
  std::vector<void*> pointers_;  // per root value
  Lane* lane_ = nullptr;
  const Instance* instance_ = nullptr;
  std::int64_t shard_index_ = 0;
  std::int64_t first_ = 0;
};

}  // namespace loom
