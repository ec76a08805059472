// Shared by the SIMD kernels: loops over spans with a padded last vector, and sums of lanes. Compiled once per instruction
// set (Highway's foreach_target); include it after hwy/foreach_target.h.
#if defined(LOOM_MATH_SIMD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LOOM_MATH_SIMD_INL_H_
#undef LOOM_MATH_SIMD_INL_H_
#else
#define LOOM_MATH_SIMD_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>
#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace loom::math::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::ScalableTag<float>;
using Vec = hn::Vec<Tag>;
inline constexpr Tag kTag;
inline constexpr std::int64_t kBufferSize = 64;    // floats: at least the widest vector
inline constexpr std::int64_t kLongestSum = 2048;  // numbers that are added in single precision

HWY_INLINE std::int64_t lanes() { return static_cast<std::int64_t>(hn::Lanes(kTag)); }
HWY_INLINE Vec set(double value) { return hn::Set(kTag, static_cast<float>(value)); }
HWY_INLINE Vec load(const float* x) { return hn::LoadU(kTag, x); }
HWY_INLINE void store(Vec v, float* y) { hn::StoreU(v, kTag, y); }

// The last n < lanes() elements, padded with `fill`.
HWY_INLINE Vec load_part(const float* x, std::int64_t n, float fill = 0) {
  HWY_ALIGN float buffer[kBufferSize];
  store(hn::Set(kTag, fill), buffer);
  std::memcpy(buffer, x, static_cast<std::size_t>(n) * sizeof(float));
  return hn::Load(kTag, buffer);
}
HWY_INLINE void store_part(Vec v, float* y, std::int64_t n) {
  HWY_ALIGN float buffer[kBufferSize];
  hn::Store(v, kTag, buffer);
  std::memcpy(y, buffer, static_cast<std::size_t>(n) * sizeof(float));
}

// x, or the bound that it is beyond; NaN stays. x86 returns the second operand where one is NaN.
HWY_INLINE Vec clip(Vec x, Vec low, Vec high) {
  const Vec y = hn::Max(low, hn::Min(high, x));
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
  return y;
#else
  return hn::IfThenElse(hn::IsNaN(x), x, y);
#endif
}

// y[i] = f(x[i]...), whole vectors and then the padded rest.
template <class F, class... In>
HWY_INLINE void map(F f, float* y, std::int64_t n, const In*... in) {
  const std::int64_t width = lanes();
  std::int64_t i = 0;
  for (; i + width <= n; i += width) store(f(load(in + i)...), y + i);
  if (i < n) store_part(f(load_part(in + i, n - i)...), y + i, n - i);
}

// The lanes of two accumulators added in double precision, in an order that depends on the instruction set alone.
HWY_INLINE double total(Vec a, Vec b) {
  const Vec sum = hn::Add(a, b);
#if HWY_TARGET == HWY_SCALAR
  return static_cast<double>(hn::GetLane(sum));
#else
  const hn::Half<Tag> half;
  const hn::Repartition<double, Tag> wide;
  return hn::GetLane(hn::SumOfLanes(
      wide, hn::Add(hn::PromoteTo(wide, hn::LowerHalf(half, sum)), hn::PromoteTo(wide, hn::UpperHalf(half, sum)))));
#endif
}

// y[i] = f(x[i]); returns the sum of y. y may be x.
template <class F>
HWY_INLINE double map_and_sum(F f, float* y, std::int64_t n, const float* x) {
  const std::int64_t width = lanes();
  double result = 0;
  std::int64_t i = 0;
  while (i + width <= n) {
    Vec sum = hn::Zero(kTag);
    for (const std::int64_t end = i + std::min<std::int64_t>(n - i, kLongestSum); i + width <= end; i += width) {
      const Vec value = f(load(x + i));
      store(value, y + i);
      sum = hn::Add(sum, value);
    }
    result += total(sum, hn::Zero(kTag));
  }
  if (i < n) {
    const Vec value = f(load_part(x + i, n - i));
    store_part(value, y + i, n - i);
    result += total(hn::IfThenElseZero(hn::FirstN(kTag, static_cast<std::size_t>(n - i)), value), hn::Zero(kTag));
  }
  return result;
}

// sum f(x[i]...): two accumulators hide the latency, and are added to a double every kLongestSum elements, so that long sums
// stay accurate. The padding of the last vector is masked out.
template <class F, class... In>
HWY_INLINE double reduce(F f, std::int64_t n, const In*... in) {
  const std::int64_t width = lanes();
  double result = 0;
  std::int64_t i = 0;
  while (i + width <= n) {
    Vec even = hn::Zero(kTag), odd = hn::Zero(kTag);
    const std::int64_t end = i + std::min<std::int64_t>(n - i, kLongestSum);
    for (; i + 2 * width <= end; i += 2 * width) {
      even = hn::Add(even, f(load(in + i)...));
      odd = hn::Add(odd, f(load(in + i + width)...));
    }
    if (i + width <= end) {
      even = hn::Add(even, f(load(in + i)...));
      i += width;
    }
    result += total(even, odd);
  }
  if (i < n) {
    const auto mask = hn::FirstN(kTag, static_cast<std::size_t>(n - i));
    result += total(hn::IfThenElseZero(mask, f(load_part(in + i, n - i)...)), hn::Zero(kTag));
  }
  return result;
}

}  // namespace loom::math::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
