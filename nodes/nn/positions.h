// Shared by the nodes that add a vector for each position: the axes of the positions and the sum, for whole maps and
// for one position at a time.
#pragma once

#include "loom/advance.h"
#include "loom/math.h"

namespace loom::nodes {

// The positions of x [N, ...S, C]: a sequence [N, T, C] is one row of T columns, an image [N, H, W, C] has H rows.
struct PositionAxes {
  std::int64_t height = 1, width = 1, channels = 1;
  bool raster = false;

  std::int64_t count() const { return height * width; }
};

inline PositionAxes position_axes(const Shape& x) {
  const bool raster = x.rank() == 4;
  return {raster ? x[1] : 1, x[x.rank() - 2], x.back(), raster};
}

// y = x + vectors, for each sample; vectors [positions, C]
inline void add_positions(const TensorView& x, const float* vectors, const TensorView& y, std::int64_t rows) {
  for (std::int64_t n = 0; n < rows; ++n) math::add(x[n].data(), vectors, y[n].data(), x.per_sample());
}

// The same for the positions that are to be filled now, of maps [positions, N, C]. vector(position) is a row [C].
template <class Vector>
void advance_positions(const Advance& a, std::int64_t channels, const Vector& vector) {
  const TensorView x = a.input(0), y = a.output(0);
  const Advance::Range range = a.range(0);
  for (std::int64_t p = range.first; p < range.first + range.count; ++p) {
    const float *from = Advance::at(x, p), *added = vector(p);
    float* to = Advance::at(y, p);
    for (std::int64_t n = 0; n < x.shape()[1]; ++n, from += channels, to += channels)
      math::add(from, added, to, channels);
  }
}

}  // namespace loom::nodes
