// Scores that are known within bounds: which of them may be the largest.
//   score[i] is within  bound[i] = size[i] (relative + square size[i]),  size >= 0,  of  approximate[i]
//
// Thread safety: pure functions; no call allocates.
#pragma once

#include <cstdint>

namespace loom::math {

struct ScoreBound {
  float relative = 0, square = 0;
};

// max over i of approximate[i] - bound[i]: the largest score is at least this. NaN counts as nothing; -infinity if all are.
float least_maximum(const float* approximate, const float* size, ScoreBound bound, std::int64_t n);
// Writes the i with approximate[i] + bound[i] >= least, in order; how many. `indices` has room for n.
std::int64_t list_at_least(const float* approximate, const float* size, ScoreBound bound, float least, std::int64_t n,
                           std::int32_t* indices);

}  // namespace loom::math
