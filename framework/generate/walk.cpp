#include "generate/walk.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

namespace loom {
namespace {

double dot(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

// The shares of a and b at t. Linear if the angle is not usable: equal, opposite or zero vectors.
std::pair<double, double> shares(std::span<const float> a, std::span<const float> b, double t, bool spherical) {
  const double lengths = std::sqrt(dot(a, a) * dot(b, b));
  if (!spherical || lengths == 0) return {1 - t, t};
  const double angle = std::acos(std::clamp(dot(a, b) / lengths, -1.0, 1.0)), sine = std::sin(angle);
  if (sine < 1e-6) return {1 - t, t};
  return {std::sin((1 - t) * angle) / sine, std::sin(t * angle) / sine};
}

}  // namespace

std::vector<std::int64_t> dimensions_by_rate(std::span<const double> rates, std::int64_t width, std::int64_t most) {
  std::vector<std::int64_t> dimensions(static_cast<std::size_t>(width));
  std::iota(dimensions.begin(), dimensions.end(), 0);
  if (!rates.empty())
    std::ranges::stable_sort(dimensions, std::ranges::greater{},
                             [&](std::int64_t dimension) { return rates[static_cast<std::size_t>(dimension)]; });
  dimensions.resize(static_cast<std::size_t>(std::min(width, most)));
  return dimensions;
}

std::vector<float> traversal(std::span<const float> centre, std::int64_t width,
                             std::span<const std::int64_t> dimensions, double range, std::int64_t steps) {
  std::vector<float> latents;
  const std::int64_t positions = static_cast<std::int64_t>(centre.size()) / width;
  for (const std::int64_t dimension : dimensions) {
    for (std::int64_t step = 0; step < steps; ++step) {
      const double share = steps > 1 ? static_cast<double>(step) / static_cast<double>(steps - 1) : 0.5;
      const auto value = static_cast<float>(range * (2 * share - 1));
      const std::size_t first = latents.size();
      latents.insert(latents.end(), centre.begin(), centre.end());
      for (std::int64_t place = 0; place < positions; ++place)
        latents[first + static_cast<std::size_t>(place * width + dimension)] = value;
    }
  }
  return latents;
}

void add_interpolation(std::span<const float> from, std::span<const float> to, std::int64_t steps, bool spherical,
                       std::vector<float>& latents) {
  for (std::int64_t step = 0; step < steps; ++step) {
    const double t = static_cast<double>(step) / static_cast<double>(steps - 1);
    const auto [a, b] = shares(from, to, t, spherical);
    for (std::size_t i = 0; i < from.size(); ++i)
      latents.push_back(static_cast<float>(a * static_cast<double>(from[i]) + b * static_cast<double>(to[i])));
  }
}

}  // namespace loom
