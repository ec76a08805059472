// The memory of what crosses a stage: values and saved memory of the whole batch. Stages follow each other, so that two
// blocks whose stages do not overlap lie in the same place.
//
// Internal to framework/run. Ownership: owns the memory that it hands out. Thread safety: none while it is placed.
#pragma once

#include <cstddef>
#include <vector>

#include "graph/tape.h"
#include "loom/tensor.h"
#include "run/plan.h"

namespace loom {

class BatchMemory {
 public:
  // Places the plan's blocks for a batch of `batch` samples in shards of `shard`.
  void place(const Plan& plan, std::int64_t batch, std::int64_t shard);

  std::byte* value(std::size_t root) const { return at(values_[root]); }  // null: it is not kept for the batch
  std::byte* saved(std::size_t step) const { return at(saved_[step]); }   // of a forward step; a block for each shard
  std::size_t bytes() const { return bytes_; }

 private:
  static constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);
  std::byte* at(std::size_t offset) const { return offset == kNowhere ? nullptr : memory_.get() + offset; }

  AlignedBytes memory_;
  std::size_t bytes_ = 0;
  std::vector<std::size_t> values_, saved_;  // offsets
};

}  // namespace loom
