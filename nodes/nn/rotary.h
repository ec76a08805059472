// Rotary positions: pairs of channels are turned by an angle that grows with the position, so that the product of a query
// and a key depends on the distance between them.
//   (x_2i, x_2i+1) at position p is turned by the angle p base^(-2i/d), i = 0 .. d/2 - 1, d: the channels that are turned
//
// Su et al. 2021, RoFormer: Enhanced Transformer with Rotary Position Embedding, equations 15 and 34
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

namespace loom::nodes {

// Immutable; the calls may come from many threads.
class Rotary {
 public:
  Rotary() = default;
  // The first `turned` channels of each head of `dim` channels; `turned` is even.
  Rotary(std::int64_t positions, std::int64_t dim, std::int64_t turned, double base) : dim_(dim), pairs_(turned / 2) {
    waves_.reserve(static_cast<std::size_t>(positions * turned));
    for (std::int64_t p = 0; p < positions; ++p) {
      for (std::int64_t i = 0; i < pairs_; ++i) {
        const double angle =
            static_cast<double>(p) * std::pow(base, -2.0 * static_cast<double>(i) / static_cast<double>(turned));
        waves_.push_back(static_cast<float>(std::cos(angle)));
        waves_.push_back(static_cast<float>(std::sin(angle)));
      }
    }
  }

  bool empty() const { return pairs_ == 0; }

  // y = x of all heads, turned; back: by the opposite angle, which is what a gradient takes. y may be x.
  void turn(std::int64_t position, const float* x, float* y, std::int64_t heads, bool back = false) const {
    const float *wave = waves_.data() + position * 2 * pairs_, sign = back ? -1.0F : 1.0F;
    for (std::int64_t h = 0; h < heads; ++h, x += dim_, y += dim_) {
      for (std::int64_t i = 0; i < pairs_; ++i) {
        const float c = wave[2 * i], s = sign * wave[2 * i + 1], a = x[2 * i], b = x[2 * i + 1];
        y[2 * i] = c * a - s * b;
        y[2 * i + 1] = s * a + c * b;
      }
      for (std::int64_t i = 2 * pairs_; i < dim_; ++i) y[i] = x[i];
    }
  }
  // The same at positions 0, 1, ... of one sample.
  void turn_all(std::int64_t positions, const float* x, float* y, std::int64_t heads, bool back = false) const {
    for (std::int64_t p = 0; p < positions; ++p, x += heads * dim_, y += heads * dim_) turn(p, x, y, heads, back);
  }

 private:
  std::int64_t dim_ = 0, pairs_ = 0;
  std::vector<float> waves_;  // [positions, pairs, (cos, sin)]
};

}  // namespace loom::nodes
