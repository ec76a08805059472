// Rows of channels: sums down the columns of [rows, channels] and combinations per channel, for the norms.
#include <algorithm>

#include "math/channels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "math/channels.cpp"  // this file, once per instruction set
#include <hwy/foreach_target.h>

#include "math/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace loom::math::HWY_NAMESPACE {

using I = std::int64_t;

// Channels that do not fill a vector are computed one by one: padding a vector for each row would cost more.
void AffineRows(const float* x, const float* factor, const float* offset, float* y, I rows, I channels) {
  const I whole = channels / lanes() * lanes();
  for (I row = 0; row < rows; ++row, x += channels, y += channels) {
    map([](Vec v, Vec f, Vec o) { return hn::MulAdd(v, f, o); }, y, whole, x, factor, offset);
    for (I c = whole; c < channels; ++c) y[c] = x[c] * factor[c] + offset[c];
  }
}

void CombineRows(const float* a, const float* p, const float* b, const float* q, const float* r, float* y, I rows,
                 I channels) {
  const I whole = channels / lanes() * lanes();
  for (I row = 0; row < rows; ++row, a += channels, b += channels, y += channels) {
    map([](Vec u, Vec f, Vec v, Vec g, Vec h) { return hn::MulAdd(u, f, hn::MulAdd(v, g, h)); }, y, whole, a, p, b, q,
        r);
    for (I c = whole; c < channels; ++c) y[c] = a[c] * p[c] + (b[c] * q[c] + r[c]);
  }
}

// Sums of one vector of channels over a block of rows that is short enough for float accumulators.
inline constexpr I kBlock = 256;

HWY_INLINE void add_lanes(Vec sums, double* out, I count) {
  HWY_ALIGN float buffer[kBufferSize];
  hn::Store(sums, kTag, buffer);
  for (I lane = 0; lane < count; ++lane) out[lane] += static_cast<double>(buffer[lane]);
}

// terms(i, c, load, a, b) adds the two terms of the element i of channel c to a and b; they are summed per channel.
// Channels that do not fill a vector are computed one by one.
template <class Terms, class ScalarTerms>
HWY_INLINE void column_sums(I rows, I channels, double* first, double* second, Terms terms, ScalarTerms scalar_terms) {
  const I width = lanes(), whole = channels / width * width;
  for (I block = 0; block < rows; block += kBlock) {
    const I end = std::min(rows, block + kBlock);
    for (I c = 0; c < whole; c += width) {
      Vec a = hn::Zero(kTag), b = hn::Zero(kTag);
      for (I row = block; row < end; ++row) terms(row * channels + c, c, a, b);
      add_lanes(a, first + c, width);
      add_lanes(b, second + c, width);
    }
    for (I row = block; row < end; ++row) {
      for (I c = whole; c < channels; ++c) scalar_terms(row * channels + c, c);
    }
  }
}

void ChannelMoments(const float* x, const float* pivot, double* first, double* second, I rows, I channels) {
  column_sums(
      rows, channels, first, second,
      [&](I i, I c, Vec& a, Vec& b) {
        const Vec d = hn::Sub(load(x + i), load(pivot + c));
        a = hn::Add(a, d);
        b = hn::MulAdd(d, d, b);
      },
      [&](I i, I c) {
        const double d = static_cast<double>(x[i] - pivot[c]);
        first[c] += d;
        second[c] += d * d;
      });
}

void ChannelProducts(const float* d, const float* x, const float* pivot, double* first, double* second, I rows,
                     I channels) {
  column_sums(
      rows, channels, first, second,
      [&](I i, I c, Vec& a, Vec& b) {
        const Vec g = load(d + i);
        a = hn::Add(a, g);
        b = hn::MulAdd(g, hn::Sub(load(x + i), load(pivot + c)), b);
      },
      [&](I i, I c) {
        const double g = static_cast<double>(d[i]);
        first[c] += g;
        second[c] += g * static_cast<double>(x[i] - pivot[c]);
      });
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

}  // namespace loom::math
#endif
