// Scores within bounds: the SIMD bodies and their run-time dispatch.
#include "math/shortlist.h"

#include <algorithm>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "math/shortlist.cpp"  // this file, once per instruction set
#include <hwy/foreach_target.h>

#include "math/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace loom::math::HWY_NAMESPACE {

using I = std::int64_t;
using Places = hn::RebindToSigned<Tag>;

HWY_INLINE Vec BoundOf(Vec size, ScoreBound bound) {
  return hn::Mul(size, hn::MulAdd(hn::Set(kTag, bound.square), size, hn::Set(kTag, bound.relative)));
}

float LeastMaximum(const float* approximate, const float* size, ScoreBound bound, I n) {
  constexpr float kLeast = -std::numeric_limits<float>::infinity();
  const I width = lanes();
  Vec most = hn::Set(kTag, kLeast);
  const auto take = [&](Vec score, Vec sizes) {
    const Vec low = hn::Sub(score, BoundOf(sizes, bound));
    most = hn::IfThenElse(hn::Gt(low, most), low, most);  // false for NaN
  };
  I i = 0;
  for (; i + width <= n; i += width) take(load(approximate + i), load(size + i));
  if (i < n) take(load_part(approximate + i, n - i, kLeast), load_part(size + i, n - i));
  HWY_ALIGN float values[kBufferSize];
  hn::Store(most, kTag, values);
  return *std::max_element(values, values + width);
}

I ListAtLeast(const float* approximate, const float* size, ScoreBound bound, float least, I n, std::int32_t* indices) {
  const I width = lanes();
  const Vec wanted = hn::Set(kTag, least);
  I count = 0;
  const auto take = [&](Vec score, Vec sizes, I first, I present) {
    const auto enough = hn::Ge(hn::Add(score, BoundOf(sizes, bound)), wanted);
    if (hn::AllFalse(kTag, enough)) return;
    HWY_ALIGN std::int32_t places[kBufferSize];
    constexpr Places kPlaces;
    const auto all = hn::Iota(kPlaces, static_cast<std::int32_t>(first));
    const auto found = static_cast<I>(hn::CompressStore(all, hn::RebindMask(kPlaces, enough), kPlaces, places));
    for (I k = 0; k < found; ++k) {
      if (places[k] < first + present) indices[count++] = places[k];
    }
  };
  I i = 0;
  for (; i + width <= n; i += width) take(load(approximate + i), load(size + i), i, width);
  if (i < n)
    take(load_part(approximate + i, n - i, -std::numeric_limits<float>::infinity()), load_part(size + i, n - i), i,
         n - i);
  return count;
}

}  // namespace loom::math::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace loom::math {

HWY_EXPORT(LeastMaximum);
HWY_EXPORT(ListAtLeast);

float least_maximum(const float* approximate, const float* size, ScoreBound bound, std::int64_t n) {
  return HWY_DYNAMIC_DISPATCH(LeastMaximum)(approximate, size, bound, n);
}
std::int64_t list_at_least(const float* approximate, const float* size, ScoreBound bound, float least, std::int64_t n,
                           std::int32_t* indices) {
  return HWY_DYNAMIC_DISPATCH(ListAtLeast)(approximate, size, bound, least, n, indices);
}

}  // namespace loom::math
#endif
