// Positions as channels and back, as in PyTorch's pixel_shuffle: what the two nodes share.
//   large [N, S_1 r_1, .., C], small [N, S_1, .., C r_1 r_2 ..]: the channel c R + k of the small one, k = (k_1, k_2, ..) in
//   row-major order and R the product of all r, is the channel c of the position S r + k
#pragma once

#include <algorithm>
#include <array>

#include "loom/node.h"
#include "nn/window.h"

namespace loom::nodes {

class PixelOrder {
 public:
  PixelOrder() = default;
  PixelOrder(const Options& options, const Shape& small) : small_(image_of(small)) {
    const int axes = small.rank() - 2;
    for (int axis = 0; axis < axes; ++axis)
      factor_[static_cast<std::size_t>(3 - axes + axis)] = axis_option(options, "factor", axis, axes, 1);
  }

  static void declare_factor(Contract& c) {
    c.option("factor", 2, integer().at_least(1).or_list(), "positions along each spatial axis, or one count for each");
  }
  std::int64_t together() const { return factor_[0] * factor_[1] * factor_[2]; }

  // move(place in the large one, place in the small one)
  template <class Move>
  void walk(const Move& move) const {
    const Image& s = small_;
    const auto [fd, fh, fw] = factor_;
    const std::int64_t channels = s.c / together();
    std::int64_t small = 0;
    for (std::int64_t p = 0; p < s.n * s.d * s.h * s.w; ++p) {
      const std::int64_t w = p % s.w, h = p / s.w % s.h, nd = p / (s.w * s.h);
      for (std::int64_t c = 0; c < channels; ++c) {
        for (std::int64_t k = 0; k < together(); ++k) {
          const std::int64_t d = nd * fd + k / (fh * fw), row = h * fh + k / fw % fh, column = w * fw + k % fw;
          move(((d * s.h * fh + row) * s.w * fw + column) * channels + c, small++);
        }
      }
    }
  }

 private:
  Image small_{};
  std::array<std::int64_t, 3> factor_{1, 1, 1};
};

// The extents of a shape along its spatial axes, times or divided by the factors.
inline Shape scaled_image(const Options& options, const Shape& x, bool larger, std::int64_t channels) {
  Shape y{x[0]};
  const int axes = x.rank() - 2;
  for (int axis = 0; axis < axes; ++axis) {
    const std::int64_t factor = axis_option(options, "factor", axis, axes, 1);
    y.push_back(larger ? x[axis + 1] * factor : x[axis + 1] / factor);
  }
  y.push_back(channels);
  return y;
}

}  // namespace loom::nodes
