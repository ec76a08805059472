// The index of the largest value, and combinations of three vectors: the SIMD bodies and their run-time dispatch.
#include <algorithm>
#include <limits>

#include "loom/math.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "math/search.cpp"  // this file, once per instruction set
#include <hwy/foreach_target.h>

#include "math/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace loom::math::HWY_NAMESPACE {

using I = std::int64_t;
using Indices = hn::RebindToSigned<Tag>;

void Combine(float p, const float* a, float q, const float* b, float r, const float* c, float* y, I n) {
  const Vec u = hn::Set(kTag, p), v = hn::Set(kTag, q), w = hn::Set(kTag, r);
  map([=](Vec d, Vec e, Vec f) { return hn::MulAdd(u, d, hn::MulAdd(v, e, hn::Mul(w, f))); }, y, n, a, b, c);
}

// Each lane keeps its largest value and the first vector that contains it: `most` and `where`.
I IndexOfMaximum(const float* x, I n) {
  constexpr Indices kIndices;
  constexpr float kLeast = -std::numeric_limits<float>::infinity();
  const I width = lanes();
  Vec most = hn::Set(kTag, kLeast);
  auto where = hn::Zero(kIndices);
  const auto take = [&](Vec v, I vector) {
    const auto greater = hn::Gt(v, most);  // false for NaN
    most = hn::IfThenElse(greater, v, most);
    where =
        hn::IfThenElse(hn::RebindMask(kIndices, greater), hn::Set(kIndices, static_cast<std::int32_t>(vector)), where);
  };
  I i = 0;
  for (; i + width <= n; i += width) take(load(x + i), i / width);
  if (i < n) take(load_part(x + i, n - i, kLeast), i / width);
  HWY_ALIGN float values[kBufferSize];
  HWY_ALIGN std::int32_t vectors[kBufferSize];
  hn::Store(most, kTag, values);
  hn::Store(where, kIndices, vectors);
  I best = 0;
  float value = kLeast;
  for (I lane = 0; lane < width; ++lane) {
    const I index = static_cast<I>(vectors[lane]) * width + lane;
    if (values[lane] > value || (values[lane] == value && value > kLeast && index < best)) {
      value = values[lane];
      best = index;
    }
  }
  return best;
}

}  // namespace loom::math::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace loom::math {

HWY_EXPORT(Combine);
HWY_EXPORT(IndexOfMaximum);

void combine(float p, const float* a, float q, const float* b, float r, const float* c, float* y, std::int64_t n) {
  HWY_DYNAMIC_DISPATCH(Combine)(p, a, q, b, r, c, y, n);
}
std::int64_t index_of_maximum(const float* x, std::int64_t n) { return HWY_DYNAMIC_DISPATCH(IndexOfMaximum)(x, n); }

}  // namespace loom::math
#endif
