// What the tests of measurements share: factors on a full grid, codes made from them.
#pragma once

#include <cmath>
#include <functional>
#include <vector>

#include "loom/random.h"
#include "loom/tensor.h"

namespace loom::check {

// Every combination of factors of these sizes, `times` times: [M, F].
inline Tensor grid_of_factors(const std::vector<std::int64_t>& sizes, std::int64_t times = 1) {
  std::int64_t count = times;
  for (const std::int64_t size : sizes) count *= size;
  Tensor factors(DType::i32, {count, static_cast<std::int64_t>(sizes.size())});
  for (std::int64_t n = 0; n < count; ++n) {
    std::int64_t rest = n;
    for (std::size_t f = sizes.size(); f-- > 0;) {
      factors.view().operator[]<std::int32_t>(n)[f] = static_cast<std::int32_t>(rest % sizes[f]);
      rest /= sizes[f];
    }
  }
  return factors;
}

// code(row of factors, d), [M, width].
inline Tensor codes_from(const Tensor& factors, std::int64_t width,
                         const std::function<float(std::span<const std::int32_t>, std::int64_t)>& code) {
  Tensor codes(DType::f32, {factors.shape()[0], width});
  for (std::int64_t n = 0; n < codes.shape()[0]; ++n) {
    for (std::int64_t d = 0; d < width; ++d)
      codes.view()[n][static_cast<std::size_t>(d)] = code(factors.view().operator[]<std::int32_t>(n), d);
  }
  return codes;
}

inline Tensor noise(std::int64_t rows, std::int64_t width, std::uint64_t seed, float scale = 1) {
  Tensor values(DType::f32, {rows, width});
  RandomStream(seed, stream_of("tests/measure"), 0).normal(0, values.values());
  for (float& value : values.values()) value *= scale;
  return values;
}

}  // namespace loom::check
