// Walks through a latent space: the latent values, one row after the other, that a decoder is to be shown.
//   traversal:     one dimension after the other takes the values from -range to range
//   interpolation: linear     z(t) = (1 - t) a + t b
//                  spherical  z(t) = (sin((1 - t) w) a + sin(t w) b) / sin w, w the angle between a and b; Shoemake 1985
//
// Thread safety: functions of their arguments.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace loom {

// The first `most` dimensions by falling rate, or of all `width` where no rates are known: 0, 1, 2, ...
std::vector<std::int64_t> dimensions_by_rate(std::span<const double> rates, std::int64_t width, std::int64_t most);
// `centre` holds positions x width values; a dimension's value is the same at every position.
std::vector<float> traversal(std::span<const float> centre, std::int64_t width,
                             std::span<const std::int64_t> dimensions, double range, std::int64_t steps);
// Adds `steps` >= 2 rows, both ends included.
void add_interpolation(std::span<const float> from, std::span<const float> to, std::int64_t steps, bool spherical,
                       std::vector<float>& latents);

}  // namespace loom
