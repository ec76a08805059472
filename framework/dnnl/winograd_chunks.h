// Private to framework/dnnl: the tiles of a Winograd convolution, and a chunk of them at a time.
//
// A chunk of tiles, small enough for a cache, is transformed across channels; the a x a matrices of the transformed tiles are
// multiplied, each with its own right operand; the result is transformed back. The chunk depends on the shape of one sample
// alone, but that a shard may have fewer tiles.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "dnnl/matmul.h"
#include "dnnl/winograd_line.h"
#include "dnnl/winograd_phases.h"
#include "dnnl/winograd_tiles.h"

namespace loom::dnnl::detail {

constexpr int kMostTile = 36;  // a x a of F(4, 3) and F(2, 5)
// The transformed input and output of a chunk: the second-level cache holds them, or the third-level cache does where a tile
// is wide; fewer than 64 rows slow the products down more than that.
constexpr std::int64_t kFloatsInCache = 384 * 1024, kLeastTiles = 64, kMostTiles = 256;

// The distance between two of the a x a matrices. Without the extra cache line it often is a multiple of 4,096 bytes, and the
// vectors that a tile writes to all of them would share one set of the first-level cache.
inline std::int64_t matrix_distance(std::int64_t floats) { return (floats + 15) / 16 * 16 + 16; }

// A plane of pixels with channels, [rows, columns, channels], of each sample.
struct Plane {
  std::int64_t rows, columns, channels;
  std::int64_t floats() const { return rows * columns * channels; }
};

struct Phase2d {
  AxisPhase row, column;
};

inline std::vector<Phase2d> pairs(const std::vector<AxisPhase>& rows, const std::vector<AxisPhase>& columns) {
  std::vector<Phase2d> all;
  for (const AxisPhase& row : rows)
    for (const AxisPhase& column : columns) all.push_back({row, column});
  return all;
}

// The tiles of the outputs of a phase in n samples, numbered through.
struct Tiles {
  std::int64_t down = 0, across = 0;
  TileForm form{};

  Tiles() = default;
  Tiles(const Phase2d& phase, const TileForm& f)
      : down((phase.row.outputs + f.rows.m - 1) / f.rows.m),
        across((phase.column.outputs + f.columns.m - 1) / f.columns.m),
        form(f) {}
  std::int64_t per_sample() const { return down * across; }
  // Of `count` tiles from this one on, those in its row, at most `most`.
  std::int64_t together(std::int64_t tile, std::int64_t count, std::int64_t most) const {
    return std::min({most, count, across - tile % across});
  }
  // The first output row and column of a tile, counted in the phase, and its sample.
  struct Place {
    std::int64_t sample, row, column;
  };
  Place place(std::int64_t tile) const {
    const std::int64_t in_sample = tile % per_sample();
    return {tile / per_sample(), in_sample / across * form.rows.m, in_sample % across * form.columns.m};
  }
};

// Pointers to the pixels that a tile reads; `zeros` outside of the plane.
inline void input_pixels(const float* x, const Plane& plane, const Phase2d& phase, const Tiles::Place& at,
                         const TileForm& form, const float* zeros, const float** pixels) {
  const float* image = x + at.sample * plane.floats();
  for (int i = 0; i < form.rows.a(); ++i) {
    const std::int64_t row = phase.row.in_first + phase.row.in_step * (at.row + i);
    for (int j = 0; j < form.columns.a(); ++j) {
      const std::int64_t column = phase.column.in_first + phase.column.in_step * (at.column + j);
      const bool inside = row >= 0 && row < plane.rows && column >= 0 && column < plane.columns;
      *pixels++ = inside ? image + (row * plane.columns + column) * plane.channels : zeros;
    }
  }
}

// Pointers to the pixels that a tile writes; `outside` beyond the plane.
template <class Float>
void output_pixels(Float* y, const Plane& plane, const Phase2d& phase, const Tiles::Place& at, const TileForm& form,
                   Float* outside, Float** pixels) {
  Float* image = y + at.sample * plane.floats();
  for (int i = 0; i < form.rows.m; ++i) {
    const std::int64_t row = phase.row.out_first + phase.row.out_step * (at.row + i);
    for (int j = 0; j < form.columns.m; ++j) {
      const std::int64_t column = phase.column.out_first + phase.column.out_step * (at.column + j);
      const bool inside = row < plane.rows && column < plane.columns;
      *pixels++ = inside ? image + (row * plane.columns + column) * plane.channels : outside;
    }
  }
}

// Neighbours in a row, along which nothing is transformed, are transformed together, as one tile with the channels of all.
constexpr std::int64_t kMostFloatsTogether = 4096;
inline std::int64_t most_together(const ConvolutionShape& s, std::int64_t phases, std::int64_t channels) {
  if (s.kw > 1 || s.stride_w > 1 || phases > 1) return 1;
  return std::clamp<std::int64_t>(kMostFloatsTogether / channels, 1, s.w);
}

// Tiles at once: of all samples of a shard, so that the product has enough rows.
inline std::int64_t chunk_tiles(std::int64_t floats_per_tile, std::int64_t all) {
  const std::int64_t fitting = std::clamp(kFloatsInCache / floats_per_tile, kLeastTiles, kMostTiles);
  return std::min(fitting / 8 * 8, all);
}

// The products of a chunk's matrices, a x a of them, each at its distance from the last; for whole chunks, and for what
// remains. One by one: oneDNN 2.6 has its fast kernels for products that are not batched.
class TileProduct {
 public:
  struct Distances {
    std::int64_t a, b, c;
  };
  TileProduct(MatmulShape shape, std::int64_t MatmulShape::*tiles, std::int64_t chunk, std::int64_t all,
              std::int64_t count, Distances distances)
      : chunk_(chunk), count_(count), distances_(distances) {
    shape.*tiles = chunk;
    whole_.emplace(shape);
    if (all % chunk == 0) return;
    shape.*tiles = all % chunk;
    rest_.emplace(shape);
  }
  std::size_t scratch_bytes() const { return std::max(whole_->scratch_bytes(), rest_ ? rest_->scratch_bytes() : 0); }
  void execute(std::int64_t tiles, const float* a, const float* b, float* c, void* scratch) const {
    const Matmul& product = tiles == chunk_ ? *whole_ : *rest_;
    for (std::int64_t i = 0; i < count_; ++i)
      product.execute(a + i * distances_.a, b + i * distances_.b, nullptr, c + i * distances_.c, scratch);
  }
  std::string implementation() const { return whole_->implementation(); }

 private:
  std::int64_t chunk_, count_;
  Distances distances_;
  std::optional<Matmul> whole_, rest_;
};

// The forms for the most taps that a phase has along each axis; nothing where there are none.
inline std::optional<WinogradKind> winograd_kind(const ConvolutionShape& s) {
  const std::int64_t down = (s.kh + s.stride_h - 1) / s.stride_h, across = (s.kw + s.stride_w - 1) / s.stride_w;
  constexpr auto taps = [](std::int64_t rows, std::int64_t columns) { return 16 * rows + columns; };
  switch (taps(down, across)) {
    case taps(2, 2): return WinogradKind::f42;
    case taps(2, 3): return WinogradKind::f42_f43;
    case taps(3, 2): return WinogradKind::f43_f42;
    case taps(3, 3): return WinogradKind::f43;
    case taps(3, 5): return WinogradKind::f43_f25;
    case taps(2, 1): return WinogradKind::line_f42;
    case taps(3, 1): return WinogradKind::line_f43;
    case taps(5, 1): return WinogradKind::line_f25;
    default: return {};
  }
}

}  // namespace loom::dnnl::detail
