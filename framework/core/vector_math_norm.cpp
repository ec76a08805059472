// Rows of channels: sums down the columns of [rows, channels] and per-channel combinations, for the norms and biases.
#include <algorithm>

#include "core/vector_math.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/vector_math_norm.cpp"  // this file, once per instruction set
#include <hwy/foreach_target.h>

#include "core/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace loom::math::HWY_NAMESPACE {

using I = std::int64_t;

void AffineRows(const float* x, const float* factor, const float* offset, float* y, I rows, I channels) {
  for (I row = 0; row < rows; ++row, x += channels, y += channels) {
    map([](Vec v, Vec f, Vec o) { return hn::MulAdd(v, f, o); }, y, channels, x, factor, offset);
  }
}

void CombineRows(const float* a, const float* p, const float* b, const float* q, const float* r, float* y, I rows,
                 I channels) {
  for (I row = 0; row < rows; ++row, a += channels, b += channels, y += channels) {
    map([](Vec u, Vec f, Vec v, Vec g, Vec h) { return hn::MulAdd(u, f, hn::MulAdd(v, g, h)); }, y, channels, a, p, b, q, r);
  }
}

// Sums of one vector of channels over a block of rows, so short that float accumulators lose nothing that counts.
inline constexpr I kBlock = 256;

HWY_INLINE void add_lanes(Vec sums, double* out, I count) {
  HWY_ALIGN float buffer[kBufferSize];
  hn::Store(sums, kTag, buffer);
  for (I lane = 0; lane < count; ++lane) out[lane] += static_cast<double>(buffer[lane]);
}

// body(row offset, first channel, load) returns the two terms of one row; they are added up per channel.
template <class Terms>
HWY_INLINE void column_sums(I rows, I channels, double* first, double* second, Terms terms) {
  const I width = lanes();
  for (I block = 0; block < rows; block += kBlock) {
    const I end = std::min(rows, block + kBlock);
    for (I c = 0; c < channels; c += width) {
      const I count = std::min(width, channels - c);
      const bool whole = count == width;
      const auto get = [whole, count](const float* p) { return whole ? load(p) : load_part(p, count); };
      Vec a = hn::Zero(kTag), b = hn::Zero(kTag);
      for (I row = block; row < end; ++row) terms(row * channels + c, c, get, a, b);
      add_lanes(a, first + c, count);
      if (second != nullptr) add_lanes(b, second + c, count);
    }
  }
}

void ChannelMoments(const float* x, const float* pivot, double* first, double* second, I rows, I channels) {
  column_sums(rows, channels, first, second, [&](I i, I c, const auto& get, Vec& a, Vec& b) {
    const Vec d = hn::Sub(get(x + i), get(pivot + c));
    a = hn::Add(a, d);
    b = hn::MulAdd(d, d, b);
  });
}

void ChannelProducts(const float* d, const float* x, const float* pivot, double* first, double* second, I rows,
                     I channels) {
  column_sums(rows, channels, first, second, [&](I i, I c, const auto& get, Vec& a, Vec& b) {
    const Vec g = get(d + i);
    a = hn::Add(a, g);
    b = hn::MulAdd(g, hn::Sub(get(x + i), get(pivot + c)), b);
  });
}

// Four vectors of channels at a time: the loads of a row are neighbours.
HWY_INLINE void add_block(const float* x, float* y, I rows, I channels) {
  const I width = lanes();
  I c = 0;
  for (; c + 4 * width <= channels; c += 4 * width) {
    Vec s0 = hn::Zero(kTag), s1 = s0, s2 = s0, s3 = s0;
    for (const float* row = x + c; row < x + c + rows * channels; row += channels) {
      s0 = hn::Add(s0, load(row));
      s1 = hn::Add(s1, load(row + width));
      s2 = hn::Add(s2, load(row + 2 * width));
      s3 = hn::Add(s3, load(row + 3 * width));
    }
    store(hn::Add(load(y + c), s0), y + c);
    store(hn::Add(load(y + c + width), s1), y + c + width);
    store(hn::Add(load(y + c + 2 * width), s2), y + c + 2 * width);
    store(hn::Add(load(y + c + 3 * width), s3), y + c + 3 * width);
  }
  for (; c < channels; c += width) {
    const I count = std::min(width, channels - c);
    const bool whole = count == width;
    Vec s = whole ? load(y + c) : load_part(y + c, count);
    Vec block = hn::Zero(kTag);
    for (I row = 0; row < rows; ++row) {
      const float* p = x + row * channels + c;
      block = hn::Add(block, whole ? load(p) : load_part(p, count));
    }
    s = hn::Add(s, block);
    whole ? store(s, y + c) : store_part(s, y + c, count);
  }
}

void AddRows(const float* x, float* y, I rows, I channels) {
  for (I row = 0; row < rows; row += kBlock) add_block(x + row * channels, y, std::min(kBlock, rows - row), channels);
}

}  // namespace loom::math::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace loom::math {

using I = std::int64_t;
HWY_EXPORT(AffineRows);
HWY_EXPORT(CombineRows);
HWY_EXPORT(ChannelMoments);
HWY_EXPORT(ChannelProducts);
HWY_EXPORT(AddRows);

void affine_rows(const float* x, const float* factor, const float* offset, float* y, I rows, I channels) {
  HWY_DYNAMIC_DISPATCH(AffineRows)(x, factor, offset, y, rows, channels);
}
void combine_rows(const float* a, const float* p, const float* b, const float* q, const float* r, float* y, I rows,
                  I channels) {
  HWY_DYNAMIC_DISPATCH(CombineRows)(a, p, b, q, r, y, rows, channels);
}
void channel_moments(const float* x, const float* pivot, double* first, double* second, I rows, I channels) {
  HWY_DYNAMIC_DISPATCH(ChannelMoments)(x, pivot, first, second, rows, channels);
}
void channel_products(const float* d, const float* x, const float* pivot, double* first, double* second, I rows,
                      I channels) {
  HWY_DYNAMIC_DISPATCH(ChannelProducts)(d, x, pivot, first, second, rows, channels);
}
void add_rows(const float* x, float* y, I rows, I channels) { HWY_DYNAMIC_DISPATCH(AddRows)(x, y, rows, channels); }

}  // namespace loom::math
#endif
