#include "run/gradient_sums.h"

#include <algorithm>

#include "loom/math.h"
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
    counts_.push_back(count);
    total_ += rounded(count);
  }
  parts_ = firsts_;
  part_ = total_;
  // Where all are needed at once, they lie as in lane 0.
  const bool is_alike = std::ranges::all_of(blocks, [&](const SlotBlock& block) {
    return block.first == blocks.front().first && block.last == blocks.front().last;
  });
  if (lanes > 1 && !is_alike) {
    part_ = static_cast<std::int64_t>(place_blocks(blocks, are_together) / sizeof(float));
    for (const SlotBlock& block : blocks) parts_[block.slot] = static_cast<std::int64_t>(block.offset / sizeof(float));
    std::ranges::sort(blocks, {}, &SlotBlock::slot);
  }
  ending_.resize(plan.stages.size());
  pieces_.resize(plan.stages.size());
  for (const SlotBlock& block : blocks) {
    ending_[static_cast<std::size_t>(block.last)].push_back(static_cast<int>(block.slot));
    std::vector<double>& squares =
        squares_.emplace_back(static_cast<std::size_t>((counts_[block.slot] + kSquares - 1) / kSquares));
    double* next = squares.data();
    for (std::int64_t first = 0; first < counts_[block.slot]; first += kSquares)
      pieces_[static_cast<std::size_t>(block.last)].push_back(
          {static_cast<int>(block.slot), first, std::min(kSquares, counts_[block.slot] - first), next++});
  }
  for (int lane = 0; lane < lanes; ++lane)
    lanes_.push_back(allocate_bytes(static_cast<std::size_t>(lane == 0 ? total_ : part_) * sizeof(float)));
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

void GradientSums::add_piece(const Piece& piece) const {
  // Those of 64 lanes fit in a core's cache.
  constexpr std::int64_t kChunk = 1 << 12;
  for (std::int64_t at = piece.first, end = at + piece.count; at < end; at += kChunk)
    reduce_chunk(lanes_.size(), std::min(kChunk, end - at),
                 [&](std::size_t lane) { return this->at(static_cast<int>(lane), piece.slot) + at; });
  *piece.squares = math::sum_of_squares(at(0, piece.slot) + piece.first, piece.count);
}

void GradientSums::add(Executor& executor, std::size_t stage) {
  for (const int slot : ending_[stage]) {  // what some lanes did not open: they had no shard, or no step adds to it
    for (int lane = 0; lane < static_cast<int>(lanes_.size()); ++lane) open(lane, slot);
  }
  const std::vector<Piece>& pieces = pieces_[stage];
  executor.parallel_for(static_cast<std::int64_t>(pieces.size()), 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) add_piece(pieces[static_cast<std::size_t>(i)]);
  });
}

std::size_t GradientSums::bytes() const {
  const std::size_t others = lanes_.empty() ? 0 : lanes_.size() - 1;
  return (static_cast<std::size_t>(total_) + others * static_cast<std::size_t>(part_)) * sizeof(float);
}

}  // namespace loom
