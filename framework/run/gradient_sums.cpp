#include "run/gradient_sums.h"

#include <algorithm>

#include "run/placement.h"
#include "run/reduce.h"

namespace loom {
namespace {

constexpr std::int64_t kLine = 16;  // floats: each slot starts on a cache line

struct SlotBlock {
  std::size_t slot;
  std::size_t bytes;
  int first, last;  // stages
  std::size_t offset = 0;
};

std::int64_t rounded(std::int64_t count) { return (count + kLine - 1) / kLine * kLine; }

// When each slot is added to. One that nothing adds to is needed in the first stage.
std::vector<SlotBlock> blocks_of(const Tape& tape, const Plan& plan, std::span<const std::int64_t> counts) {
  std::vector<SlotBlock> blocks(counts.size());
  std::vector<bool> seen(counts.size(), false);
  for (std::size_t s = 0; s < blocks.size(); ++s)
    blocks[s] = {s, static_cast<std::size_t>(rounded(counts[s])) * sizeof(float), 0, 0};
  for (std::size_t i = 0; i < tape.steps.size(); ++i) {
    for (const int slot : tape.steps[i].gradient_slots) {
      if (slot < 0) continue;
      const auto s = static_cast<std::size_t>(slot);
      blocks[s].first = seen[s] ? std::min(blocks[s].first, plan.stage[i]) : plan.stage[i];
      blocks[s].last = seen[s] ? std::max(blocks[s].last, plan.stage[i]) : plan.stage[i];
      seen[s] = true;
    }
  }
  return blocks;
}

bool are_together(const SlotBlock& a, const SlotBlock& b) { return a.first <= b.last && b.first <= a.last; }

}  // namespace

void GradientSums::place(const Tape& tape, const Plan& plan, std::span<const std::int64_t> counts, int lanes) {
  if (!lanes_.empty()) return;
  std::vector<SlotBlock> blocks = blocks_of(tape, plan, counts);
  for (const std::int64_t count : counts) {
    firsts_.push_back(total_);
    counts_.push_back(rounded(count));
    total_ += counts_.back();
  }
  parts_ = firsts_;
  part_ = total_;
  // Where all are needed at once, they lie as in lane 0, and are added in one piece.
  const bool is_alike = std::ranges::all_of(blocks, [&](const SlotBlock& block) {
    return block.first == blocks.front().first && block.last == blocks.front().last;
  });
  if (lanes > 1 && !is_alike) {
    part_ = static_cast<std::int64_t>(place_blocks(blocks, are_together) / sizeof(float));
    for (const SlotBlock& block : blocks) parts_[block.slot] = static_cast<std::int64_t>(block.offset / sizeof(float));
    std::ranges::sort(blocks, {}, &SlotBlock::slot);
  }
  ranges_.resize(plan.stages.size());
  for (const SlotBlock& block : blocks) {
    std::vector<Range>& ranges = ranges_[static_cast<std::size_t>(block.last)];
    const Range next{firsts_[block.slot], parts_[block.slot], counts_[block.slot], {static_cast<int>(block.slot)}};
    const bool follows = !ranges.empty() && ranges.back().first + ranges.back().count == next.first &&
                         ranges.back().part + ranges.back().count == next.part;
    if (follows) {
      ranges.back().count += next.count;
      ranges.back().slots.push_back(next.slots.front());
    } else {
      ranges.push_back(next);
    }
  }
  for (int lane = 0; lane < lanes; ++lane)
    lanes_.push_back(allocate_bytes(static_cast<std::size_t>(lane == 0 ? total_ : part_) * sizeof(float)));
  spans_.resize(lanes_.size());
  open_.assign(lanes_.size(), std::vector<char>(counts.size(), 0));
}

float* GradientSums::at(int lane, int slot) const {
  const std::vector<std::int64_t>& offsets = lane == 0 ? firsts_ : parts_;
  return this->lane(static_cast<std::size_t>(lane)).data() + offsets[static_cast<std::size_t>(slot)];
}

void GradientSums::begin() {
  for (std::vector<char>& lane : open_) std::ranges::fill(lane, 0);
}

GradientSums::Opened GradientSums::open(int lane, int slot, bool overwrites) {
  float* values = at(lane, slot);
  char& is_open = open_[static_cast<std::size_t>(lane)][static_cast<std::size_t>(slot)];
  const bool is_first = is_open == 0;
  is_open = 1;
  if (is_first && !overwrites) std::fill_n(values, counts_[static_cast<std::size_t>(slot)], 0.0F);
  return {values, is_first && overwrites};
}

// What some lanes did not open: they had no shard, or no step that adds to it.
void GradientSums::open_rest(const Range& range) {
  for (const int slot : range.slots) {
    for (int lane = 0; lane < static_cast<int>(lanes_.size()); ++lane) open(lane, slot);
  }
}

void GradientSums::add(Executor& executor, std::size_t stage) {
  for (const Range& range : ranges_[stage]) {
    open_rest(range);
    for (std::size_t lane = 0; lane < lanes_.size(); ++lane)
      spans_[lane] = this->lane(lane).subspan(static_cast<std::size_t>(lane == 0 ? range.first : range.part),
                                              static_cast<std::size_t>(range.count));
    reduce_lanes(executor, spans_);
  }
}

std::size_t GradientSums::bytes() const {
  const std::size_t others = lanes_.empty() ? 0 : lanes_.size() - 1;
  return (static_cast<std::size_t>(total_) + others * static_cast<std::size_t>(part_)) * sizeof(float);
}

}  // namespace loom
