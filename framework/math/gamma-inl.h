// The gamma function's relatives, powers and sines, in double precision: results are rounded once, to float.
//
// Sources: Abramowitz and Stegun, Handbook of Mathematical Functions, 6.1.15 and 6.3.5 (recurrence), 6.1.17 and 6.3.7
// (reflection), 6.1.41, 6.3.18, 6.4.12 and 6.4.13 (asymptotic series, used from 8 on). lgamma has more terms than the
// others, since it is 0 at 1 and 2. Compiled once per instruction set; include it after math/simd-inl.h.
#if defined(LOOM_MATH_GAMMA_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LOOM_MATH_GAMMA_INL_H_
#undef LOOM_MATH_GAMMA_INL_H_
#else
#define LOOM_MATH_GAMMA_INL_H_
#endif

#include <cmath>
#include <limits>
#include <numbers>

#include "math/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace loom::math::HWY_NAMESPACE {

using WideTag = hn::ScalableTag<double>;
using NarrowTag = hn::Rebind<float, WideTag>;
using Wide = hn::Vec<WideTag>;
inline constexpr WideTag kWide;
inline constexpr NarrowTag kNarrow;

HWY_INLINE Wide wide(double value) { return hn::Set(kWide, value); }
HWY_INLINE Wide nan_wide() { return wide(std::numeric_limits<double>::quiet_NaN()); }
HWY_INLINE Wide infinity_wide() { return wide(std::numeric_limits<double>::infinity()); }

// Some targets of Highway clamp what a float cannot hold to the largest float, where others give infinity.
HWY_INLINE hn::Vec<NarrowTag> narrow(Wide x) {
  const auto y = hn::DemoteTo(kNarrow, x);
  const auto infinity = hn::Set(kNarrow, std::numeric_limits<float>::infinity());
  const auto largest = hn::Set(kNarrow, std::numeric_limits<float>::max());
  return hn::IfThenElse(hn::Ge(hn::Abs(y), largest), hn::CopySign(infinity, y), y);
}

// y[i] = f(x[i]...) in double precision.
template <class F, class... In>
HWY_INLINE void map_wide(F f, float* y, std::int64_t n, const In*... in) {
  const auto width = static_cast<std::int64_t>(hn::Lanes(kWide));
  const auto load_wide = [](const float* x) { return hn::PromoteTo(kWide, hn::LoadU(kNarrow, x)); };
  std::int64_t i = 0;
  for (; i + width <= n; i += width) hn::StoreU(narrow(f(load_wide(in + i)...)), kNarrow, y + i);
  if (i == n) return;
  const auto padded = [&](const float* x) {
    HWY_ALIGN float buffer[kBufferSize] = {};
    std::memcpy(buffer, x, static_cast<std::size_t>(n - i) * sizeof(float));
    return load_wide(buffer);
  };
  HWY_ALIGN float rest[kBufferSize];
  hn::StoreU(narrow(f(padded(in + i)...)), kNarrow, rest);
  std::memcpy(y + i, rest, static_cast<std::size_t>(n - i) * sizeof(float));
}

// Highway's logarithm, made total.
HWY_INLINE Wide log_wide(Wide x) {
  Wide y = hn::Log(kWide, x);
  y = hn::IfThenElse(hn::Eq(x, hn::Zero(kWide)), hn::Neg(infinity_wide()), y);
  y = hn::IfThenElse(hn::Eq(x, infinity_wide()), infinity_wide(), y);
  return hn::IfThenElse(hn::Or(hn::Lt(x, hn::Zero(kWide)), hn::IsNaN(x)), nan_wide(), y);
}

// Beyond the range in which a float is neither 0 nor infinite, what an exponential is does not matter.
HWY_INLINE Wide exp_wide(Wide x) { return hn::Exp(kWide, hn::Max(wide(-300), hn::Min(wide(300), x))); }

// The sine and cosine of pi times the distance of x to the nearest integer, which is what a reflection needs: signs
// cancel in their quotient and in squares.
HWY_INLINE Wide fraction_angle(Wide x) { return hn::Mul(wide(std::numbers::pi), hn::Sub(x, hn::Round(x))); }
HWY_INLINE hn::Mask<WideTag> is_pole(Wide x) { return hn::And(hn::Le(x, hn::Zero(kWide)), hn::Eq(x, hn::Round(x))); }

// x, or for small x what the reflection maps it to.
HWY_INLINE hn::Mask<WideTag> is_reflected(Wide x) { return hn::Lt(x, wide(0.5)); }
HWY_INLINE Wide reflected(Wide x) { return hn::IfThenElse(is_reflected(x), hn::Sub(wide(1), x), x); }

inline constexpr int kShift = 8;
HWY_INLINE hn::Mask<WideTag> is_shifted(Wide z) { return hn::Lt(z, wide(kShift)); }
HWY_INLINE Wide shifted(Wide z) { return hn::IfThenElse(is_shifted(z), hn::Add(z, wide(kShift)), z); }

// sum of 1/(z + i)^power over the recurrence's steps, 0 where there are none.
HWY_INLINE Wide recurrence_sum(Wide z, int power) {
  Wide sum = hn::Zero(kWide);
  for (int i = 0; i < kShift; ++i) {
    const Wide r = hn::Div(wide(1), hn::Add(z, wide(i)));
    const Wide square = hn::Mul(r, r);
    sum = hn::Add(sum, power == 1 ? r : power == 2 ? square : hn::Mul(square, r));
  }
  return hn::IfThenElseZero(is_shifted(z), sum);
}

HWY_INLINE Wide lgamma_of(Wide x) {
  const Wide z = reflected(x), w = shifted(z), r = hn::Div(wide(1), w), s = hn::Mul(r, r);
  Wide product = wide(1);
  for (int i = 0; i < kShift; ++i) product = hn::Mul(product, hn::Add(z, wide(i)));
  product = hn::IfThenElse(is_shifted(z), product, wide(1));
  Wide series = hn::MulAdd(s, wide(1.0 / 156), wide(-691.0 / 360360));
  for (const double term : {1.0 / 1188, -1.0 / 1680, 1.0 / 1260, -1.0 / 360})
    series = hn::MulAdd(series, s, wide(term));
  series = hn::Mul(hn::MulAdd(series, s, wide(1.0 / 12)), r);
  const double half_log_two_pi = 0.91893853320467274178;
  Wide y = hn::MulAdd(hn::Sub(w, wide(0.5)), log_wide(w), hn::Sub(wide(half_log_two_pi), w));
  y = hn::Sub(hn::Add(y, series), log_wide(product));
  const Wide sine = hn::Abs(hn::Sin(kWide, fraction_angle(x)));
  const Wide other = hn::Sub(hn::Sub(wide(std::log(std::numbers::pi)), log_wide(sine)), y);
  y = hn::IfThenElse(is_reflected(x), other, y);
  y = hn::IfThenElse(hn::Or(is_pole(x), hn::Eq(hn::Abs(x), infinity_wide())), infinity_wide(), y);
  return hn::IfThenElse(hn::IsNaN(x), x, y);
}

HWY_INLINE Wide digamma_of(Wide x) {
  const Wide z = reflected(x), w = shifted(z), r = hn::Div(wide(1), w), s = hn::Mul(r, r);
  Wide series = hn::MulAdd(s, wide(1.0 / 240), wide(-1.0 / 252));
  series = hn::MulAdd(series, s, wide(1.0 / 120));
  series = hn::Mul(hn::MulAdd(series, s, wide(-1.0 / 12)), s);
  Wide y = hn::Add(hn::NegMulAdd(wide(0.5), r, log_wide(w)), series);
  y = hn::Sub(y, recurrence_sum(z, 1));
  const Wide angle = fraction_angle(x);
  const Wide cotangent = hn::Div(hn::Cos(kWide, angle), hn::Sin(kWide, angle));
  y = hn::IfThenElse(is_reflected(x), hn::NegMulAdd(wide(std::numbers::pi), cotangent, y), y);
  y = hn::IfThenElse(is_pole(x), nan_wide(), y);
  y = hn::IfThenElse(hn::Eq(x, hn::Zero(kWide)), hn::Neg(infinity_wide()), y);
  return hn::IfThenElse(hn::IsNaN(x), x, y);
}

HWY_INLINE Wide trigamma_of(Wide x) {
  const Wide z = reflected(x), w = shifted(z), r = hn::Div(wide(1), w), s = hn::Mul(r, r);
  Wide series = hn::MulAdd(s, wide(-1.0 / 30), wide(1.0 / 42));
  series = hn::MulAdd(series, s, wide(-1.0 / 30));
  series = hn::MulAdd(series, s, wide(1.0 / 6));
  Wide y = hn::MulAdd(hn::Mul(series, s), r, hn::MulAdd(wide(0.5), s, r));
  y = hn::Add(y, recurrence_sum(z, 2));
  const Wide sine = hn::Sin(kWide, fraction_angle(x));
  const Wide quotient = hn::Div(wide(std::numbers::pi), sine);
  y = hn::IfThenElse(is_reflected(x), hn::MulSub(quotient, quotient, y), y);
  y = hn::IfThenElse(is_pole(x), infinity_wide(), y);
  return hn::IfThenElse(hn::IsNaN(x), x, y);
}

HWY_INLINE Wide tetragamma_of(Wide x) {
  const Wide z = reflected(x), w = shifted(z), r = hn::Div(wide(1), w), s = hn::Mul(r, r);
  Wide series = hn::MulAdd(s, wide(0.3), wide(-1.0 / 6));
  series = hn::MulAdd(series, s, wide(1.0 / 6));
  series = hn::MulAdd(series, s, wide(-0.5));
  Wide y = hn::Sub(hn::Mul(hn::Mul(series, s), s), hn::MulAdd(s, r, s));
  y = hn::NegMulAdd(wide(2), recurrence_sum(z, 3), y);
  const Wide angle = fraction_angle(x), sine = hn::Sin(kWide, angle);
  const Wide quotient = hn::Div(wide(std::numbers::pi), sine);
  const Wide other = hn::Mul(hn::Mul(hn::Mul(quotient, quotient), quotient), hn::Cos(kWide, angle));
  y = hn::IfThenElse(is_reflected(x), hn::NegMulAdd(wide(2), other, y), y);
  y = hn::IfThenElse(is_pole(x), nan_wide(), y);
  return hn::IfThenElse(hn::IsNaN(x), x, y);
}

// x^y as std::pow, except that NaN passes on: also in x^0 and 1^y.
HWY_INLINE Wide power_of(Wide x, Wide y) {
  const Wide zero = hn::Zero(kWide), one = wide(1);
  Wide result = exp_wide(hn::Mul(y, log_wide(hn::Abs(x))));
  const auto whole = hn::Eq(y, hn::Round(y));
  const Wide half = hn::Mul(wide(0.5), y);
  const auto odd = hn::And(whole, hn::Ne(half, hn::Round(half)));
  const auto negative = hn::Lt(x, zero);
  result = hn::IfThenElse(hn::And(negative, odd), hn::Neg(result), result);
  const auto no_value = hn::And(hn::And(negative, hn::Ne(x, hn::Neg(infinity_wide()))), hn::Not(whole));
  result = hn::IfThenElse(no_value, nan_wide(), result);
  result = hn::IfThenElse(hn::Or(hn::Eq(y, zero), hn::Eq(x, one)), one, result);
  return hn::IfThenElse(hn::IsNaN(x), x, hn::IfThenElse(hn::IsNaN(y), y, result));
}

// Highway's sine and cosine are exact up to 39000; larger arguments are rare.
inline constexpr double kLargestAngle = 39000;
HWY_INLINE Wide sine_or_cosine(Wide x, bool sine) {
  if (hn::AllTrue(kWide, hn::Le(hn::Abs(x), wide(kLargestAngle)))) return sine ? hn::Sin(kWide, x) : hn::Cos(kWide, x);
  HWY_ALIGN double values[kBufferSize];
  hn::Store(x, kWide, values);
  for (std::size_t i = 0; i < hn::Lanes(kWide); ++i) values[i] = sine ? std::sin(values[i]) : std::cos(values[i]);
  return hn::Load(kWide, values);
}

}  // namespace loom::math::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
