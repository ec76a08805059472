// How the lanes' sums become one.
//
// Internal to framework/run. The order in which lanes are added is fixed here and nowhere else: the same lanes give the
// same bits, whatever the threads do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "run/executor.h"

namespace loom {

// Adds all parts into parts[0], element by element, as a balanced tree: (0 + 1) + (2 + 3), and so on; where the number of
// parts is not a power of two, the missing ones are left out. So a process that has the lanes of a whole subtree can add
// them by itself. All parts have one size; the others hold sums of subtrees afterwards. Cut into chunks that run in parallel.
// Allocates nothing.
void reduce_lanes(Executor& executor, std::span<const std::span<float>> parts);

// The same of `count` elements, in the caller's thread: part(lane) is where a lane's first one lies.
template <class Part>
void reduce_chunk(std::size_t lanes, std::int64_t count, const Part& part) {
  for (std::size_t apart = 1; apart < lanes; apart *= 2) {
    for (std::size_t lane = 0; lane + apart < lanes; lane += 2 * apart) {
      float* total = part(lane);
      const float* other = part(lane + apart);
      for (std::int64_t i = 0; i < count; ++i) total[i] += other[i];
    }
  }
}

}  // namespace loom
