// Walks through memory in the order of a loop, as runs that are contiguous there or stay at one place.
//
// Thread safety: pure functions; nothing allocates.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "expr/plan.h"

namespace loom::formula {

// `count` runs of `length` values from a position of the loop on; in memory the first starts at `at`, and each of the
// others `step` further. `stride` is 1 within a run, or 0 where all of its values are one.
struct Run {
  std::int64_t position, at, length, count, step;
  std::int64_t stride;
};

// f(run) for the positions [start, start + count).
template <class F>
void for_each_run(const std::vector<Walk>& walk, std::int64_t start, std::int64_t count, const F& f) {
  const std::int64_t length = walk.back().extent, stride = walk.back().stride;
  const std::size_t outer = walk.size() - 1;
  std::array<std::int64_t, kMaxRank> index{};
  std::int64_t base = 0, rest = start / length, inside = start % length;
  for (std::size_t k = outer; k-- > 0;) {
    index[k] = rest % walk[k].extent;
    rest /= walk[k].extent;
    base += index[k] * walk[k].stride;
  }
  for (std::int64_t position = start; position < start + count;) {
    const std::int64_t left = start + count - position;
    std::int64_t runs = 1, size = std::min(length - inside, left);
    const bool whole = inside == 0 && left >= length;
    if (whole && outer > 0) runs = std::min(left / length, walk[outer - 1].extent - index[outer - 1]);
    f(Run{position, base + inside * stride, size, runs, outer > 0 ? walk[outer - 1].stride : 0, stride});
    position += size * runs;
    inside += whole ? 0 : size;
    if (inside == length) inside = 0;
    if (inside != 0) continue;
    std::int64_t carry = runs;
    for (std::size_t k = outer; k-- > 0 && carry > 0;) {
      index[k] += carry;
      base += carry * walk[k].stride;
      carry = 0;
      if (index[k] < walk[k].extent) continue;
      base -= index[k] * walk[k].stride;
      index[k] = 0;
      carry = 1;
    }
  }
}

}  // namespace loom::formula
