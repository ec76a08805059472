#include "dnnl/vector_loops.h"

#include <algorithm>

#include "dnnl/tile.h"
#include "math/bf16.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "dnnl/vector_loops.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace loom::dnnl::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Tag = hn::ScalableTag<float>;

void ReluMask(const float* diff_y, const float* y, float* out, std::int64_t count) {
  const Tag d;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto keep = hn::Gt(hn::LoadU(d, y + i), hn::Zero(d));
    hn::StoreU(hn::IfThenElseZero(keep, hn::LoadU(d, diff_y + i)), d, out + i);
  }
  for (; i < count; ++i) out[i] = y[i] > 0.0F ? diff_y[i] : 0.0F;
}

void Add(const float* x, float* sum, std::int64_t count) {
  const Tag d;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(hn::LoadU(d, sum + i) + hn::LoadU(d, x + i), d, sum + i);
  for (; i < count; ++i) sum[i] += x[i];
}

// max(value, 0), and NaN where the value is NaN: what a maximum instruction gives for NaN depends on the order.
template <class V>
HWY_INLINE V ReluOf(V value) {
  return hn::IfThenZeroElse(hn::Lt(value, hn::Zero(Tag())), value);
}
HWY_INLINE float ReluOf(float value) { return value < 0 ? 0.0F : value; }

void Relu(float* y, std::int64_t count) {
  const Tag d;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(ReluOf(hn::LoadU(d, y + i)), d, y + i);
  for (; i < count; ++i) y[i] = ReluOf(y[i]);
}

void AddBias(float* y, const float* bias, std::int64_t rows, std::int64_t columns, bool relu) {
  const Tag d;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  for (std::int64_t r = 0; r < rows; ++r, y += columns) {
    std::int64_t c = 0;
    for (; c + lanes <= columns; c += lanes) {
      const auto value = hn::LoadU(d, y + c) + hn::LoadU(d, bias + c);
      hn::StoreU(relu ? ReluOf(value) : value, d, y + c);
    }
    for (; c < columns; ++c) {
      const float value = y[c] + bias[c];
      y[c] = relu ? ReluOf(value) : value;
    }
  }
}

void AddOneBias(float* y, float bias, std::int64_t count, bool relu) {
  const Tag d;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto shift = hn::Set(d, bias);
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto value = hn::LoadU(d, y + i) + shift;
    hn::StoreU(relu ? ReluOf(value) : value, d, y + i);
  }
  for (; i < count; ++i) {
    const float value = y[i] + bias;
    y[i] = relu ? ReluOf(value) : value;
  }
}

// Four vectors of columns at a time, two rows in flight: eight independent sums hide the latency of the
// additions.
void AddColumnSums(const float* x, std::int64_t rows, std::int64_t columns, std::int64_t pitch, float* sums) {
  const Tag d;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t c = 0;
  for (; c + 4 * lanes <= columns; c += 4 * lanes) {
    auto s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0, t0 = s0, t1 = s0, t2 = s0, t3 = s0;
    const float* row = x + c;
    std::int64_t r = 0;
    for (; r + 2 <= rows; r += 2, row += 2 * pitch) {
      s0 = s0 + hn::LoadU(d, row);
      s1 = s1 + hn::LoadU(d, row + lanes);
      s2 = s2 + hn::LoadU(d, row + 2 * lanes);
      s3 = s3 + hn::LoadU(d, row + 3 * lanes);
      t0 = t0 + hn::LoadU(d, row + pitch);
      t1 = t1 + hn::LoadU(d, row + pitch + lanes);
      t2 = t2 + hn::LoadU(d, row + pitch + 2 * lanes);
      t3 = t3 + hn::LoadU(d, row + pitch + 3 * lanes);
    }
    if (r < rows) {
      s0 = s0 + hn::LoadU(d, row);
      s1 = s1 + hn::LoadU(d, row + lanes);
      s2 = s2 + hn::LoadU(d, row + 2 * lanes);
      s3 = s3 + hn::LoadU(d, row + 3 * lanes);
    }
    hn::StoreU(hn::LoadU(d, sums + c) + (s0 + t0), d, sums + c);
    hn::StoreU(hn::LoadU(d, sums + c + lanes) + (s1 + t1), d, sums + c + lanes);
    hn::StoreU(hn::LoadU(d, sums + c + 2 * lanes) + (s2 + t2), d, sums + c + 2 * lanes);
    hn::StoreU(hn::LoadU(d, sums + c + 3 * lanes) + (s3 + t3), d, sums + c + 3 * lanes);
  }
  for (; c + lanes <= columns; c += lanes) {
    auto s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
    const float* row = x + c;
    std::int64_t r = 0;
    for (; r + 4 <= rows; r += 4, row += 4 * pitch) {
      s0 = s0 + hn::LoadU(d, row);
      s1 = s1 + hn::LoadU(d, row + pitch);
      s2 = s2 + hn::LoadU(d, row + 2 * pitch);
      s3 = s3 + hn::LoadU(d, row + 3 * pitch);
    }
    for (; r < rows; ++r, row += pitch) s0 = s0 + hn::LoadU(d, row);
    hn::StoreU(hn::LoadU(d, sums + c) + ((s0 + s1) + (s2 + s3)), d, sums + c);
  }
  for (; c < columns; ++c) {
    float total = 0.0F;
    for (std::int64_t r = 0; r < rows; ++r) total += x[r * pitch + c];
    sums[c] += total;
  }
}

}  // namespace loom::dnnl::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace loom::dnnl {

HWY_EXPORT(ReluMask);
HWY_EXPORT(Add);
HWY_EXPORT(AddBias);
HWY_EXPORT(Relu);
HWY_EXPORT(AddOneBias);
HWY_EXPORT(AddColumnSums);

void relu_mask(const float* diff_y, const float* y, float* out, std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(ReluMask)(diff_y, y, out, count);
}

void relu(float* y, std::int64_t count) { HWY_DYNAMIC_DISPATCH(Relu)(y, count); }

namespace {
void transpose_tile(const float* from, std::int64_t columns, float* to, std::int64_t rows) {
  using namespace detail;
  Four a = load_four(from), b = load_four(from + columns), c = load_four(from + 2 * columns),
       d = load_four(from + 3 * columns);
  transpose_fours(a, b, c, d);
  store_four(a, to), store_four(b, to + rows), store_four(c, to + 2 * rows), store_four(d, to + 3 * rows);
}
}  // namespace

void transpose(const float* from, std::int64_t rows, std::int64_t columns, float* to) {
  // Squares of 16 by 16: complete cache lines on both sides.
  constexpr std::int64_t kSquare = 16, kTile = 4;
  for (std::int64_t r0 = 0; r0 < rows; r0 += kSquare) {
    for (std::int64_t c0 = 0; c0 < columns; c0 += kSquare) {
      const std::int64_t r1 = std::min(r0 + kSquare, rows), c1 = std::min(c0 + kSquare, columns);
      const std::int64_t r_tiled = r0 + (r1 - r0) / kTile * kTile, c_tiled = c0 + (c1 - c0) / kTile * kTile;
      for (std::int64_t c = c0; c < c_tiled; c += kTile) {
        for (std::int64_t r = r0; r < r_tiled; r += kTile) {
          transpose_tile(from + r * columns + c, columns, to + c * rows + r, rows);
        }
      }
      for (std::int64_t c = c0; c < c1; ++c) {
        for (std::int64_t r = c < c_tiled ? r_tiled : r0; r < r1; ++r) to[c * rows + r] = from[r * columns + c];
      }
    }
  }
}

void add(const float* x, float* sum, std::int64_t count) { HWY_DYNAMIC_DISPATCH(Add)(x, sum, count); }

void add_bias(float* y, const float* bias, std::int64_t rows, std::int64_t columns, bool relu) {
  if (bias == nullptr || columns == 1) {
    if (bias == nullptr && !relu) return;
    HWY_DYNAMIC_DISPATCH(AddOneBias)(y, bias == nullptr ? 0.0F : bias[0], rows * columns, relu);
    return;
  }
  HWY_DYNAMIC_DISPATCH(AddBias)(y, bias, rows, columns, relu);
}

void add_column_sums(const float* x, std::int64_t rows, std::int64_t columns, float* sums) {
  // Few columns do not fill a vector: read the same memory as rows of kFold * columns columns, then fold.
  constexpr std::int64_t kFew = 16, kFold = 32;
  if (columns >= kFew || rows < 2 * kFold) {
    HWY_DYNAMIC_DISPATCH(AddColumnSums)(x, rows, columns, columns, sums);
    return;
  }
  float folded[kFew * kFold] = {};
  const std::int64_t wide = columns * kFold, wide_rows = rows / kFold;
  HWY_DYNAMIC_DISPATCH(AddColumnSums)(x, wide_rows, wide, wide, folded);
  HWY_DYNAMIC_DISPATCH(AddColumnSums)(x + wide_rows * wide, rows - wide_rows * kFold, columns, columns, sums);
  for (std::int64_t i = 0; i < kFold; ++i) {
    for (std::int64_t c = 0; c < columns; ++c) sums[c] += folded[i * columns + c];
  }
}

void add_column_sums(const void* x, bool is_bf16, std::int64_t rows, std::int64_t columns, float* sums) {
  if (is_bf16) return math::add_column_sums(static_cast<const BFloat16*>(x), rows, columns, sums);
  add_column_sums(static_cast<const float*>(x), rows, columns, sums);
}

}  // namespace loom::dnnl
#endif  // HWY_ONCE
