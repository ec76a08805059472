// Places blocks in one piece of memory, so that blocks which are needed at the same time do not overlap.
//
// Internal to framework/run. Thread safety: a function of its arguments.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace loom {

inline constexpr std::size_t kBlockAlignment = 64;
inline std::size_t aligned_bytes(std::size_t bytes) {
  return (bytes + kBlockAlignment - 1) / kBlockAlignment * kBlockAlignment;
}

// `Block` has bytes, which are aligned, offset, and first, the position of its first use; `together(a, b)`: whether both are
// needed at the same time. Sorts the blocks: the largest are placed first, each at the lowest offset where it overlaps
// nothing that it must not. Returns the bytes of all.
template <class Block, class Together>
std::size_t place_blocks(std::vector<Block>& blocks, const Together& together) {
  std::ranges::stable_sort(blocks, [](const Block& a, const Block& b) {
    return a.bytes != b.bytes ? a.bytes > b.bytes : a.first < b.first;
  });
  std::size_t total = 0;
  std::vector<const Block*> placed, alive;
  for (Block& current : blocks) {
    alive.clear();
    for (const Block* other : placed) {
      if (together(*other, current)) alive.push_back(other);
    }
    std::ranges::sort(alive, {}, &Block::offset);
    current.offset = 0;
    for (const Block* other : alive) {
      if (current.offset + current.bytes <= other->offset) break;
      current.offset = std::max(current.offset, other->offset + other->bytes);
    }
    total = std::max(total, current.offset + current.bytes);
    placed.push_back(&current);
  }
  return total;
}

}  // namespace loom
