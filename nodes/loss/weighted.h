// Sums and gradients of a loss whose values count differently: what nodes do with a row of Weighting (loom/node.h).
//
// Terms are computed by the kernels of whole spans, in blocks, and weighted afterwards. What counts 0 is dropped by
// selection, not by multiplication: it may be NaN or infinite, and a term of it as well. Pure functions that allocate
// nothing.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "loom/math.h"

namespace loom::nodes {

// The sum of weights[i] term_i. terms(first, count, out) writes those of the values from `first` on.
template <class Terms>
double weighted_sum(std::span<const float> weights, const Terms& terms) {
  constexpr std::int64_t kBlock = 256;
  float block[kBlock];
  const auto n = static_cast<std::int64_t>(weights.size());
  double sum = 0;
  for (std::int64_t first = 0; first < n; first += kBlock) {
    const std::int64_t count = std::min(kBlock, n - first);
    terms(first, count, block);
    const float* weight = weights.data() + first;
    for (std::int64_t i = 0; i < count; ++i) block[i] = weight[i] == 0 ? 0.0F : block[i];
    sum += math::dot(weight, block, count);
  }
  return sum;
}

// The sum of the weights: how many values count, where each counts once or not at all.
inline double weight_sum(std::span<const float> weights) {
  return math::sum(weights.data(), static_cast<std::int64_t>(weights.size()));
}

// slopes[i] becomes weights[i] slopes[i].
inline void apply_weights(std::span<const float> weights, float* slopes) {
  for (std::size_t i = 0; i < weights.size(); ++i) slopes[i] = weights[i] == 0 ? 0.0F : weights[i] * slopes[i];
}

// The weighted sum of (a - b)^2; b may be null: of a^2.
inline double weighted_squared_distance(std::span<const float> weights, const float* a, const float* b) {
  return weighted_sum(weights, [&](std::int64_t first, std::int64_t count, float* out) {
    if (b != nullptr)
      math::scaled_difference(1, a + first, b + first, out, count);
    else
      std::copy_n(a + first, count, out);
    math::multiply(out, out, out, count);
  });
}

}  // namespace loom::nodes
