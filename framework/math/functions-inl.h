// Elementary functions in single precision, total: NaN stays NaN, infinities and zeros give the limits, and results too small
// for a normal number are subnormal. Errors are relative, in units of 2^-24; tests/math/functions_test.cpp holds those of exp,
// sigmoid, tanh and softplus over the whole range.
//
// Polynomials are minimax fits (Lawson's iteration in double precision); their own errors are below 0.1 units. erf: the rational
// approximation of Eigen and TensorFlow. log and log1p are Highway's. Compiled once per instruction set.
#if defined(LOOM_MATH_FUNCTIONS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LOOM_MATH_FUNCTIONS_INL_H_
#undef LOOM_MATH_FUNCTIONS_INL_H_
#else
#define LOOM_MATH_FUNCTIONS_INL_H_
#endif

#include <hwy/contrib/math/math-inl.h>

#include <limits>

#include "math/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace loom::math::HWY_NAMESPACE {

using IntegerTag = hn::RebindToSigned<Tag>;
using Integers = hn::Vec<IntegerTag>;

HWY_INLINE Vec keep_nan(Vec x, Vec y) { return hn::IfThenElse(hn::IsNaN(x), x, y); }

// x = n ln 2 + r with |r| <= ln 2 / 2, for |x| < 2^21. ln 2 is split so that n times its upper part is exact. The lowest bits of
// `biased` are n + kBias: those of a sum of n and a number whose own lowest bit is 1.
struct ReducedExponent {
  Vec r;
  Integers biased;
};
template <int kBias>
HWY_INLINE ReducedExponent reduce_exponent(Vec x) {
  const Vec round = set(0x1.8p23 + kBias);
  const Vec biased = hn::MulAdd(x, set(1.44269504088896341), round);
  const Vec n = hn::Sub(biased, round);
  const Vec r = hn::NegMulAdd(n, set(-2.12194440e-4), hn::NegMulAdd(n, set(0.693359375), x));
  return {r, hn::BitCast(IntegerTag(), biased)};
}
// 2^(k - 127) for k in [1, 254], the lowest bits of `biased`.
HWY_INLINE Vec power_of_two(Integers biased) { return hn::BitCast(kTag, hn::ShiftLeft<23>(biased)); }

// e^r - 1 for |r| <= ln 2 / 2: r + r^2 q(r).
HWY_INLINE Vec expm1_polynomial(Vec r) {
  Vec q = hn::MulAdd(r, set(0.001381459878757596), set(0.008368716575205326));
  q = hn::MulAdd(q, r, set(0.04166838899254799));
  q = hn::MulAdd(q, r, set(0.1666652113199234));
  q = hn::MulAdd(q, r, set(0.4999999403953552));
  return hn::MulAdd(hn::Mul(r, r), q, r);
}
HWY_INLINE Vec exp_polynomial(Vec r) { return hn::Add(set(1), expm1_polynomial(r)); }

// e^x, 1.4 units. 2^n is the product of two powers: it may itself be too large or too small for a number.
HWY_INLINE Vec exp_of(Vec x) {
  const ReducedExponent reduced = reduce_exponent<254>(hn::Max(set(-104), hn::Min(set(89), x)));
  const Integers half = hn::ShiftRight<1>(reduced.biased);
  const Vec first = hn::Mul(exp_polynomial(reduced.r), power_of_two(half));
  return keep_nan(x, hn::Mul(first, power_of_two(hn::Sub(reduced.biased, half))));
}
// e^x for x in [-87, 88], where all powers of two are numbers.
HWY_INLINE Vec exp_of_moderate(Vec x) {
  const ReducedExponent reduced = reduce_exponent<127>(x);
  return hn::Mul(exp_polynomial(reduced.r), power_of_two(reduced.biased));
}

// e^x - 1 for x <= 0 (of other x it is some number): 2^n (e^r - 1) + (2^n - 1) loses no digits near 0.
HWY_INLINE Vec expm1_of_negative(Vec x) {
  const ReducedExponent reduced = reduce_exponent<127>(hn::Max(set(-80), x));
  const Vec power = power_of_two(reduced.biased);
  return keep_nan(x, hn::MulAdd(power, expm1_polynomial(reduced.r), hn::Sub(power, set(1))));
}

// 1.3 units.
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

// ln(1 + t) for t in [0, 1]: 2 artanh(s) with s = t / (2 + t).
HWY_INLINE Vec log1p_of_unit(Vec t) {
  const Vec s = hn::Div(t, hn::Add(set(2), t)), square = hn::Mul(s, s), twice = hn::Add(s, s);
  Vec g = hn::MulAdd(square, set(0.14012570679187775), set(0.13999506831169128));
  g = hn::MulAdd(g, square, set(0.20010852813720703));
  g = hn::MulAdd(g, square, set(0.3333320617675781));
  return hn::MulAdd(hn::Mul(twice, square), g, twice);
}

HWY_INLINE Vec sigmoid_of(Vec x) { return hn::Div(set(1), hn::Add(set(1), exp_of(hn::Neg(x)))); }

// x + x^3 h(x^2) near 0, where 1 - 2 / (e^2|x| + 1) would lose digits. 2.1 units.
HWY_INLINE Vec tanh_of(Vec x) {
  const Vec distance = hn::Abs(x), square = hn::Mul(x, x);
  Vec h = hn::MulAdd(square, set(-0.005717045161873102), set(0.02065058797597885));
  h = hn::MulAdd(h, square, set(-0.05374349653720856));
  h = hn::MulAdd(h, square, set(0.13331490755081177));
  h = hn::MulAdd(h, square, set(-0.3333328366279602));
  const Vec near = hn::MulAdd(hn::Mul(square, x), h, x);
  const Vec e = exp_of_moderate(hn::Min(set(20), hn::Add(distance, distance)));
  const Vec far = hn::Sub(set(1), hn::Div(set(2), hn::Add(e, set(1))));
  return hn::CopySign(hn::IfThenElse(hn::Ge(distance, set(0.625)), far, near), x);  // NaN is near
}

// max(x, 0) + ln(1 + e^-|x|).
HWY_INLINE Vec softplus_of(Vec x) {
  return keep_nan(x, hn::Add(hn::Max(hn::Zero(kTag), x), log1p_of_unit(exp_of(hn::Neg(hn::Abs(x))))));
}

// Odd / even polynomial on [-4, 4], beyond which erf is 1 within half a unit.
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
