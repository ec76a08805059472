// Shared by the SIMD kernels: loops over spans with a padded last vector, and elementary functions that propagate NaN
// and infinities. Compiled once per instruction set (Highway's foreach_target); include it after
// hwy/foreach_target.h.
#if defined(LOOM_MATH_SIMD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LOOM_MATH_SIMD_INL_H_
#undef LOOM_MATH_SIMD_INL_H_
#else
#define LOOM_MATH_SIMD_INL_H_
#endif

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <cstdint>
#include <cstring>
#include <limits>

HWY_BEFORE_NAMESPACE();
namespace loom::math::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::ScalableTag<float>;
using Vec = hn::Vec<Tag>;
inline constexpr Tag kTag;
inline constexpr std::int64_t kBufferSize = 64;  // floats: at least the widest vector

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

// y[i] = f(x[i]...), whole vectors and then the padded rest.
template <class F, class... In>
HWY_INLINE void map(F f, float* y, std::int64_t n, const In*... in) {
  const std::int64_t width = lanes();
  std::int64_t i = 0;
  for (; i + width <= n; i += width) store(f(load(in + i)...), y + i);
  if (i < n) store_part(f(load_part(in + i, n - i)...), y + i, n - i);
}

// The lanes of two accumulators added in a fixed order.
HWY_INLINE double total(Vec a, Vec b) {
  HWY_ALIGN float buffer[kBufferSize];
  hn::Store(hn::Add(a, b), kTag, buffer);
  double result = 0;
  for (std::int64_t i = 0; i < lanes(); ++i) result += static_cast<double>(buffer[i]);
  return result;
}

// sum f(x[i]...): two accumulators hide the latency, and are added to a double every 2^14 elements so that long sums
// stay accurate. The padding of the last vector is masked out.
template <class F, class... In>
HWY_INLINE double reduce(F f, std::int64_t n, const In*... in) {
  const std::int64_t width = lanes();
  double result = 0;
  std::int64_t i = 0;
  while (i + width <= n) {
    Vec even = hn::Zero(kTag), odd = hn::Zero(kTag);
    const std::int64_t end = i + std::min<std::int64_t>(n - i, 16384);
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

// --- Elementary functions: Highway's, made total ---
HWY_INLINE Vec keep_nan(Vec x, Vec y) { return hn::IfThenElse(hn::IsNaN(x), x, y); }

HWY_INLINE Vec exp_of(Vec x) { return keep_nan(x, hn::Exp(kTag, hn::Min(set(100), x))); }

HWY_INLINE Vec log_of(Vec x) {
  const Vec infinity = set(std::numeric_limits<float>::infinity());
  Vec y = hn::Log(kTag, x);
  y = hn::IfThenElse(hn::Eq(x, hn::Zero(kTag)), hn::Neg(infinity), y);
  y = hn::IfThenElse(hn::Eq(x, infinity), infinity, y);
  return hn::IfThenElse(hn::Lt(x, hn::Zero(kTag)), set(std::numeric_limits<float>::quiet_NaN()), keep_nan(x, y));
}

HWY_INLINE Vec log1p_of(Vec x) {
  const Vec infinity = set(std::numeric_limits<float>::infinity());
  Vec y = hn::Log1p(kTag, x);
  y = hn::IfThenElse(hn::Eq(x, set(-1)), hn::Neg(infinity), y);
  y = hn::IfThenElse(hn::Eq(x, infinity), infinity, y);
  return hn::IfThenElse(hn::Lt(x, set(-1)), set(std::numeric_limits<float>::quiet_NaN()), keep_nan(x, y));
}

HWY_INLINE Vec sigmoid_of(Vec x) { return hn::Div(set(1), hn::Add(set(1), exp_of(hn::Neg(x)))); }

HWY_INLINE Vec tanh_of(Vec x) { return keep_nan(x, hn::Tanh(kTag, x)); }

// max(x, 0) + ln(1 + e^-|x|): the logarithm's argument is in (1, 2].
HWY_INLINE Vec softplus_of(Vec x) {
  return keep_nan(x, hn::Add(hn::Max(hn::Zero(kTag), x), hn::Log1p(kTag, exp_of(hn::Neg(hn::Abs(x))))));
}

// The rational approximation of Eigen's and TensorFlow's float erf: odd / even polynomial on [-4, 4], 1 ulp of 1.
HWY_INLINE Vec erf_of(Vec argument) {
  const Vec x = hn::Max(set(-4), hn::Min(set(4), argument));
  const Vec s = hn::Mul(x, x);
  Vec p = hn::MulAdd(s, set(-2.72614225801306e-10), set(2.77068142495902e-08));
  p = hn::MulAdd(p, s, set(-2.10102402082508e-06));
  p = hn::MulAdd(p, s, set(-5.69250639462346e-05));
  p = hn::MulAdd(p, s, set(-7.34990630326855e-04));
  p = hn::MulAdd(p, s, set(-2.95459980854025e-03));
  p = hn::MulAdd(p, s, set(-1.60960333262415e-02));
  Vec q = hn::MulAdd(s, set(-1.45660718464996e-05), set(-2.13374055278905e-04));
  q = hn::MulAdd(q, s, set(-1.68282697438203e-03));
  q = hn::MulAdd(q, s, set(-7.37332916720468e-03));
  q = hn::MulAdd(q, s, set(-1.42647390514189e-02));
  return keep_nan(argument, hn::Div(hn::Mul(x, p), q));
}

}  // namespace loom::math::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
