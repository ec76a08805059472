#include "dnnl/vector_loops.h"

#include <algorithm>
#include <limits>

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

#if HWY_TARGET != HWY_SCALAR && !HWY_HAVE_SCALABLE
// Four floats of each row that is a multiple of four rows after the first: one block of 16 bytes each.
template <class D>
HWY_INLINE hn::Vec<D> LoadBlocks(D d, const float* from, std::int64_t columns) {
  if constexpr (hn::MaxLanes(D()) == 4) {
    return hn::LoadU(d, from);
  } else {
    const hn::Half<D> half;
    constexpr std::int64_t kRows = static_cast<std::int64_t>(hn::MaxLanes(D()) / 2);
    return hn::Combine(d, LoadBlocks(half, from + kRows * columns, columns), LoadBlocks(half, from, columns));
  }
}

// to[columns,rows] = the transpose of from[rows,columns], as far as whole tiles of TransposedRows() by four reach.
void TransposeTiles(const float* from, std::int64_t rows, std::int64_t columns, float* to) {
  const hn::CappedTag<float, 16> d;
  const hn::Repartition<double, decltype(d)> pairs;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto pair = [&](auto v) HWY_ATTR { return hn::BitCast(pairs, v); };
  const auto single = [&](auto v) HWY_ATTR { return hn::BitCast(d, v); };
  for (std::int64_t r = 0; r + lanes <= rows; r += lanes) {
    for (std::int64_t c = 0; c + 4 <= columns; c += 4) {
      const float* at = from + r * columns + c;
      const auto v0 = LoadBlocks(d, at, columns), v1 = LoadBlocks(d, at + columns, columns),
                 v2 = LoadBlocks(d, at + 2 * columns, columns), v3 = LoadBlocks(d, at + 3 * columns, columns);
      const auto low01 = pair(hn::InterleaveLower(d, v0, v1)), low23 = pair(hn::InterleaveLower(d, v2, v3));
      const auto high01 = pair(hn::InterleaveUpper(d, v0, v1)), high23 = pair(hn::InterleaveUpper(d, v2, v3));
      float* out = to + c * rows + r;
      hn::StoreU(single(hn::InterleaveLower(pairs, low01, low23)), d, out);
      hn::StoreU(single(hn::InterleaveUpper(pairs, low01, low23)), d, out + rows);
      hn::StoreU(single(hn::InterleaveLower(pairs, high01, high23)), d, out + 2 * rows);
      hn::StoreU(single(hn::InterleaveUpper(pairs, high01, high23)), d, out + 3 * rows);
    }
  }
}
std::int64_t TransposedRows() { return static_cast<std::int64_t>(hn::Lanes(hn::CappedTag<float, 16>())); }
#else
void TransposeTiles(const float*, std::int64_t, std::int64_t, float*) {}
std::int64_t TransposedRows() { return std::numeric_limits<std::int64_t>::max(); }
#endif

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
HWY_EXPORT(TransposeTiles);
HWY_EXPORT(TransposedRows);
HWY_EXPORT(Add);
HWY_EXPORT(AddBias);
HWY_EXPORT(Relu);
HWY_EXPORT(AddOneBias);
HWY_EXPORT(AddColumnSums);

void relu_mask(const float* diff_y, const float* y, float* out, std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(ReluMask)(diff_y, y, out, count);
}

void relu(float* y, std::int64_t count) { HWY_DYNAMIC_DISPATCH(Relu)(y, count); }

void transpose(const float* from, std::int64_t rows, std::int64_t columns, float* to) {
  HWY_DYNAMIC_DISPATCH(TransposeTiles)(from, rows, columns, to);
  const std::int64_t tile = HWY_DYNAMIC_DISPATCH(TransposedRows)();
  const std::int64_t tiled_rows = rows / tile * tile, tiled_columns = tiled_rows == 0 ? 0 : columns / 4 * 4;
  for (std::int64_t c = 0; c < columns; ++c) {
    for (std::int64_t r = c < tiled_columns ? tiled_rows : 0; r < rows; ++r) to[c * rows + r] = from[r * columns + c];
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
