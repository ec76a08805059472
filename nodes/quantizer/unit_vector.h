// l2-normalised vectors: x / |x|. One shorter than 1e-12 counts as having that length, and gets no gradient.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "loom/math.h"

namespace loom::nodes {

inline constexpr double kLeastNorm = 1e-12;

// Returns 1 / |x|, or 0 where a gradient must not go through.
inline float normalise(const float* x, float* unit, std::int64_t dim) {
  const double norm = std::sqrt(math::sum_of_squares(x, dim));
  math::scale(static_cast<float>(1 / std::max(norm, kLeastNorm)), x, unit, dim);
  return norm < kLeastNorm ? 0.0F : static_cast<float>(1 / norm);
}

// diff_x = (diff_unit - unit (unit . diff_unit)) / |x|, added to what is there.
inline void add_normalise_gradient(const float* unit, float reciprocal, const float* diff_unit, float* diff_x,
                                   std::int64_t dim) {
  const auto along = static_cast<float>(math::dot(unit, diff_unit, dim));
  math::combine(reciprocal, diff_unit, -reciprocal * along, unit, 1, diff_x, diff_x, dim);
}

}  // namespace loom::nodes
