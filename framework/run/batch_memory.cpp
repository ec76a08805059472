#include "run/batch_memory.h"

#include "run/placement.h"

namespace loom {
namespace {

struct BatchBlock {
  std::size_t* place;
  std::size_t bytes;
  int first, last;  // stages
  std::size_t offset = 0;
};

}  // namespace

void BatchMemory::place(const Plan& plan, std::int64_t batch, std::int64_t shard) {
  values_.assign(plan.values.size(), kNowhere);
  saved_.assign(plan.saved.size(), kNowhere);
  const auto samples = static_cast<std::size_t>(batch), shards = static_cast<std::size_t>((batch + shard - 1) / shard);
  std::vector<BatchBlock> blocks;
  const auto add = [&](const PlannedBlock& block, std::size_t times, std::size_t& place) {
    if (block.storage == Storage::batch)
      blocks.push_back({&place, aligned_bytes(block.bytes * times), block.first_stage, block.last_stage});
  };
  for (std::size_t v = 0; v < values_.size(); ++v)
    add(plan.values[v], plan.values[v].per_sample ? samples : 1, values_[v]);
  for (std::size_t i = 0; i < saved_.size(); ++i) add(plan.saved[i], plan.whole_batch[i] ? 1 : shards, saved_[i]);
  const std::size_t bytes = place_blocks(
      blocks, [](const BatchBlock& a, const BatchBlock& b) { return a.first <= b.last && b.first <= a.last; });
  for (const BatchBlock& block : blocks) *block.place = block.offset;
  memory_ = allocate_bytes(bytes);
  bytes_ = bytes;
}

}  // namespace loom
