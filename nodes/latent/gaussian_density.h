// The log density of diagonal Gaussians, and its gradient, for the nodes that compare densities at drawn values.
//   ln N(z; mu, e^logvar) = -1/2 sum (logvar + (z - mu)^2 e^-logvar + ln 2 pi)          [nats]
// `weights`: how much each value counts, 0 for one that may be anything; empty: once.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numbers>
#include <span>

#include "loom/math.h"
#include "loss/weighted.h"

namespace loom::nodes {

inline constexpr double kHalfLogTwoPi = 0.91893853320467274178;  // 1/2 ln 2 pi

// Calls body(first, count, precision) over blocks of the event, precision = e^-logvar.
template <class Body>
void for_precision_blocks(const float* logvar, std::int64_t n, const Body& body) {
  constexpr std::int64_t kBlock = 256;
  float precision[kBlock];
  for (std::int64_t first = 0; first < n; first += kBlock) {
    const std::int64_t count = std::min(kBlock, n - first);
    math::scale(-1, logvar + first, precision, count);
    math::exp(precision, precision, count);
    body(first, count, static_cast<const float*>(precision));
  }
}

inline double gaussian_log_density(const float* mu, const float* logvar, const float* z, std::int64_t n,
                                   std::span<const float> weights = {}) {
  double sum = 0;
  if (!weights.empty()) {
    for_precision_blocks(logvar, n, [&](std::int64_t first, std::int64_t count, const float* precision) {
      for (std::int64_t i = first; i < first + count; ++i) {
        const float weight = weights[static_cast<std::size_t>(i)], deviation = z[i] - mu[i];
        if (weight != 0)
          sum += static_cast<double>(weight * (logvar[i] + deviation * deviation * precision[i - first]));
      }
    });
    return -0.5 * sum - weight_sum(weights) * kHalfLogTwoPi;
  }
  for_precision_blocks(logvar, n, [&](std::int64_t first, std::int64_t count, const float* precision) {
    for (std::int64_t i = 0; i < count; ++i) {
      const float deviation = z[first + i] - mu[first + i];
      sum += static_cast<double>(logvar[first + i] + deviation * deviation * precision[i]);
    }
  });
  return -0.5 * sum - static_cast<double>(n) * kHalfLogTwoPi;
}

// Adds factor times the gradient of gaussian_log_density; null: not wanted.
inline void add_gaussian_log_density_gradient(float factor, const float* mu, const float* logvar, const float* z,
                                              float* diff_mu, float* diff_logvar, float* diff_z, std::int64_t n,
                                              std::span<const float> weights = {}) {
  for_precision_blocks(logvar, n, [&](std::int64_t first, std::int64_t count, const float* precision) {
    for (std::int64_t i = first; i < first + count; ++i) {
      const float deviation = z[i] - mu[i], slope = deviation * precision[i - first];
      const float pull = weights.empty() ? factor : factor * weights[static_cast<std::size_t>(i)];
      if (!weights.empty() && pull == 0) continue;
      if (diff_mu != nullptr) diff_mu[i] += pull * slope;
      if (diff_z != nullptr) diff_z[i] -= pull * slope;
      if (diff_logvar != nullptr) diff_logvar[i] += pull * 0.5F * (deviation * slope - 1);
    }
  });
}

// Adds the gradient of a draw z = mu + e^(logvar / 2) noise; null: not wanted.
inline void add_draw_gradient(const float* diff_z, const float* mu, const float* z, float* diff_mu, float* diff_logvar,
                              std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    if (diff_mu != nullptr) diff_mu[i] += diff_z[i];
    if (diff_logvar != nullptr) diff_logvar[i] += 0.5F * diff_z[i] * (z[i] - mu[i]);
  }
}

// The log density of N(0, 1).
inline double standard_normal_log_density(const float* z, std::int64_t n, std::span<const float> weights = {}) {
  if (!weights.empty())
    return -0.5 * weighted_squared_distance(weights, z, nullptr) - weight_sum(weights) * kHalfLogTwoPi;
  return -0.5 * math::sum_of_squares(z, n) - static_cast<double>(n) * kHalfLogTwoPi;
}

}  // namespace loom::nodes
