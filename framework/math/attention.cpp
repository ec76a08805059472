// Attention: rows of a tile of scores, forward and backward, and the products of one query with all previous keys.
#include <algorithm>
#include <cmath>
#include <limits>

#include "math/attention.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "math/attention.cpp"  // this file, once per instruction set
#include <hwy/foreach_target.h>

#include "math/functions-inl.h"

HWY_BEFORE_NAMESPACE();
namespace loom::math::HWY_NAMESPACE {

using I = std::int64_t;

// The sum of the lanes in single precision: these sums are short, and there is one per row of a tile.
HWY_INLINE float lane_sum(Vec v) { return hn::GetLane(hn::SumOfLanes(kTag, v)); }

// e^x for x up to 80. Below -87 it is 1e-38, too small for a sum of weights up to 1.
HWY_INLINE Vec weight_of(Vec x) { return keep_nan(x, exp_of_moderate(hn::Max(set(-87), hn::Min(set(80), x)))); }

float OnlineSoftmax(float factor, float* x, I n, float* maximum, float* sum) {
  const I width = lanes(), whole = n / width * width;
  const Vec f = hn::Set(kTag, factor), lowest = hn::Set(kTag, -std::numeric_limits<float>::infinity());
  Vec largest = lowest;
  for (I i = 0; i < whole; i += width) largest = hn::Max(largest, load(x + i));
  if (whole < n) largest = hn::Max(largest, load_part(x + whole, n - whole, x[whole]));
  const float most = std::max(*maximum, factor * hn::GetLane(hn::MaxOfLanes(kTag, largest)));
  const Vec shift = hn::Set(kTag, most);
  Vec total = hn::Zero(kTag);
  for (I i = 0; i < whole; i += width) {
    const Vec weight = weight_of(hn::MulSub(f, load(x + i), shift));
    total = hn::Add(total, weight);
    store(weight, x + i);
  }
  if (whole < n) {
    const Vec weight = weight_of(hn::MulSub(f, load_part(x + whole, n - whole), shift));
    total = hn::Add(total, hn::IfThenElseZero(hn::FirstN(kTag, static_cast<std::size_t>(n - whole)), weight));
    store_part(weight, x + whole, n - whole);
  }
  const float correction = *maximum == most ? 1 : std::exp(*maximum - most);
  *maximum = most;
  *sum = *sum * correction + lane_sum(total);
  return correction;
}

void AttentionGradient(float factor, float log_sum, float mean, float* x, float* diff, I n) {
  const Vec f = hn::Set(kTag, factor), shift = hn::Set(kTag, log_sum), centre = hn::Set(kTag, mean);
  const auto gradient = [=](Vec weight, Vec d) { return hn::Mul(hn::Mul(f, weight), hn::Sub(d, centre)); };
  const I width = lanes(), whole = n / width * width;
  for (I i = 0; i < whole; i += width) {
    const Vec weight = weight_of(hn::MulSub(f, load(x + i), shift));
    store(weight, x + i);
    store(gradient(weight, load(diff + i)), diff + i);
  }
  if (whole == n) return;
  const Vec weight = weight_of(hn::MulSub(f, load_part(x + whole, n - whole), shift));
  store_part(weight, x + whole, n - whole);
  store_part(gradient(weight, load_part(diff + whole, n - whole)), diff + whole, n - whole);
}

// Channels that do not fill a vector are computed one by one.
void HeadDots(float factor, const float* query, const float* keys, I heads, I dim, I positions, float* scores,
              I stride) {
  const I width = lanes(), whole = dim / width * width;
  for (I j = 0; j < positions; ++j) {
    for (I h = 0; h < heads; ++h, keys += dim) {
      const float* q = query + h * dim;
      Vec total = hn::Zero(kTag);
      for (I c = 0; c < whole; c += width) total = hn::MulAdd(load(q + c), load(keys + c), total);
      float dot = whole > 0 ? lane_sum(total) : 0;
      for (I c = whole; c < dim; ++c) dot += q[c] * keys[c];
      scores[h * stride + j] = factor * dot;
    }
  }
}

// Four positions at a time, so that a sum is loaded and stored a quarter as often.
void HeadSums(const float* weights, I stride, const float* values, I heads, I dim, I positions, float* out) {
  constexpr I kAtOnce = 4;
  const I width = lanes(), whole = dim / width * width, step = heads * dim;
  std::fill_n(out, step, 0.0F);
  I j = 0;
  const auto add = [&]<I count>(std::integral_constant<I, count>) {
    for (I h = 0; h < heads; ++h) {
      const float *w = weights + h * stride + j, *v = values + j * step + h * dim;
      float* sum = out + h * dim;
      for (I c = 0; c < whole; c += width) {
        Vec total = load(sum + c);
        for (I k = 0; k < count; ++k) total = hn::MulAdd(hn::Set(kTag, w[k]), load(v + k * step + c), total);
        store(total, sum + c);
      }
      for (I c = whole; c < dim; ++c)
        for (I k = 0; k < count; ++k) sum[c] += w[k] * v[k * step + c];
    }
  };
  for (; j + kAtOnce <= positions; j += kAtOnce) add(std::integral_constant<I, kAtOnce>());
  for (; j < positions; ++j) add(std::integral_constant<I, 1>());
}

}  // namespace loom::math::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace loom::math {

using I = std::int64_t;
HWY_EXPORT(OnlineSoftmax);
HWY_EXPORT(AttentionGradient);
HWY_EXPORT(HeadDots);
HWY_EXPORT(HeadSums);

float online_softmax(float factor, float* x, I n, float& maximum, float& sum) {
  return HWY_DYNAMIC_DISPATCH(OnlineSoftmax)(factor, x, n, &maximum, &sum);
}
void attention_gradient(float factor, float log_sum, float mean, float* x, float* diff, I n) {
  HWY_DYNAMIC_DISPATCH(AttentionGradient)(factor, log_sum, mean, x, diff, n);
}
void head_dots(float factor, const float* query, const float* keys, I heads, I dim, I positions, float* scores,
               I stride) {
  HWY_DYNAMIC_DISPATCH(HeadDots)(factor, query, keys, heads, dim, positions, scores, stride);
}
void head_sums(const float* weights, I stride, const float* values, I heads, I dim, I positions, float* out) {
  HWY_DYNAMIC_DISPATCH(HeadSums)(weights, stride, values, heads, dim, positions, out);
}

}  // namespace loom::math
#endif
