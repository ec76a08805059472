// Functions, linear combinations, sums and rows of logits: the SIMD bodies and their run-time dispatch.
#include "loom/math.h"

#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "math/elementwise.cpp"  // this file, once per instruction set
#include <hwy/foreach_target.h>

#include "math/functions-inl.h"

HWY_BEFORE_NAMESPACE();
namespace loom::math::HWY_NAMESPACE {

using I = std::int64_t;

void Exp(const float* x, float* y, I n) {
  map([](Vec v) { return exp_of(v); }, y, n, x);
}
void Log(const float* x, float* y, I n) {
  map([](Vec v) { return log_of(v); }, y, n, x);
}
void Log1p(const float* x, float* y, I n) {
  map([](Vec v) { return log1p_of(v); }, y, n, x);
}
void Sigmoid(const float* x, float* y, I n) {
  map([](Vec v) { return sigmoid_of(v); }, y, n, x);
}
void Tanh(const float* x, float* y, I n) {
  map([](Vec v) { return tanh_of(v); }, y, n, x);
}
void Softplus(const float* x, float* y, I n) {
  map([](Vec v) { return softplus_of(v); }, y, n, x);
}
void Erf(const float* x, float* y, I n) {
  map([](Vec v) { return erf_of(v); }, y, n, x);
}

void Add(const float* a, const float* b, float* y, I n) {
  map([](Vec u, Vec v) { return hn::Add(u, v); }, y, n, a, b);
}
void Multiply(const float* a, const float* b, float* y, I n) {
  map([](Vec u, Vec v) { return hn::Mul(u, v); }, y, n, a, b);
}
void MultiplyAdd(const float* a, const float* b, float* y, I n) {
  map([](Vec u, Vec v, Vec w) { return hn::MulAdd(u, v, w); }, y, n, a, b, y);
}
void Scale(float factor, const float* x, float* y, I n) {
  map([f = hn::Set(kTag, factor)](Vec v) { return hn::Mul(f, v); }, y, n, x);
}
void Accumulate(float factor, const float* x, float* y, I n) {
  map([f = hn::Set(kTag, factor)](Vec v, Vec w) { return hn::MulAdd(f, v, w); }, y, n, x, y);
}
void ScaledDifference(float factor, const float* a, const float* b, float* y, I n) {
  map([f = hn::Set(kTag, factor)](Vec u, Vec v) { return hn::Mul(f, hn::Sub(u, v)); }, y, n, a, b);
}
void Clamp(float low, float high, const float* x, float* y, I n) {
  const Vec least = hn::Set(kTag, low), most = hn::Set(kTag, high);
  map([=](Vec v) { return clip(v, least, most); }, y, n, x);
}
void MovingAverage(float* average, const float* value, double decay, I n) {
  map([f = set(1 - decay)](Vec v, Vec a) { return hn::MulAdd(f, hn::Sub(v, a), a); }, average, n, value, average);
}

double Sum(const float* x, I n) {
  return reduce([](Vec v) { return v; }, n, x);
}
double SumOfSquares(const float* x, I n) {
  return reduce([](Vec v) { return hn::Mul(v, v); }, n, x);
}
double Dot(const float* a, const float* b, I n) {
  return reduce([](Vec u, Vec v) { return hn::Mul(u, v); }, n, a, b);
}
double SquaredDistance(const float* a, const float* b, I n) {
  return reduce(
      [](Vec u, Vec v) {
        const Vec d = hn::Sub(u, v);
        return hn::Mul(d, d);
      },
      n, a, b);
}
double AbsoluteDistance(const float* a, const float* b, I n) {
  return reduce([](Vec u, Vec v) { return hn::Abs(hn::Sub(u, v)); }, n, a, b);
}

float Maximum(const float* x, I n) {
  const I width = lanes();
  Vec most = n >= width ? load(x) : load_part(x, n, x[0]);
  I i = width;
  for (; i + width <= n; i += width) most = hn::Max(load(x + i), most);
  if (i < n) most = hn::Max(load_part(x + i, n - i, x[0]), most);
  return hn::GetLane(hn::MaxOfLanes(kTag, most));
}

// As Maximum, and the least value.
struct Extremes {
  float least, most;
};
Extremes ExtremesOf(const float* x, I n) {
  const I width = lanes();
  Vec least = n >= width ? load(x) : load_part(x, n, x[0]), most = least;
  const auto take = [&](Vec v) { least = hn::Min(v, least), most = hn::Max(v, most); };
  I i = width;
  for (; i + width <= n; i += width) take(load(x + i));
  if (i < n) take(load_part(x + i, n - i, x[0]));
  return {hn::GetLane(hn::MinOfLanes(kTag, least)), hn::GetLane(hn::MaxOfLanes(kTag, most))};
}

// 0 * x is 0 for a finite x and NaN otherwise; NaN stays in a sum.
bool AllFinite(const float* x, I n) {
  return reduce([zero = hn::Zero(kTag)](Vec v) { return hn::Mul(zero, v); }, n, x) == 0;
}

// ln sum e^(x - most), at least 0 and exact where it is small: the largest values are counted apart, and the logarithm
// is taken of 1 + the rest.
double LogSumAbove(const float* x, float most, I n) {
  constexpr I kAddends = 16;  // in single precision: more would cost digits where vectors are short
  const Vec shift = hn::Set(kTag, most), one = set(1);
  const I width = lanes();
  double largest = 0, rest = 0;
  const auto term_of = [&](Vec v) {
    const Vec distance = hn::Sub(v, shift), back = hn::Sub(distance, v);
    const Vec lost = hn::Sub(hn::Sub(v, hn::Sub(distance, back)), hn::Add(shift, back));  // in the subtraction
    const Vec known = hn::IfThenElseZero(hn::Lt(hn::Abs(lost), one), lost);               // none of infinity
    const Vec e = exp_of(distance);
    return hn::IfThenZeroElse(hn::Eq(v, shift), hn::MulAdd(e, known, e));
  };
  const auto count_of = [&](Vec v) { return hn::IfThenElseZero(hn::Eq(v, shift), one); };
  I i = 0;
  while (i + width <= n) {
    Vec equal = hn::Zero(kTag), sum = hn::Zero(kTag);
    for (const I end = i + std::min(n - i, kAddends * width); i + width <= end; i += width) {
      const Vec v = load(x + i);
      equal = hn::Add(equal, count_of(v));
      sum = hn::Add(sum, term_of(v));
    }
    largest += total(equal, hn::Zero(kTag));
    rest += total(sum, hn::Zero(kTag));
  }
  if (i < n) {
    const Vec v = load_part(x + i, n - i);
    const auto mask = hn::FirstN(kTag, static_cast<std::size_t>(n - i));
    largest += total(hn::IfThenElseZero(mask, count_of(v)), hn::Zero(kTag));
    rest += total(hn::IfThenElseZero(mask, term_of(v)), hn::Zero(kTag));
  }
  return std::log1p(largest - 1 + rest);
}

double LogSumExp(const float* x, I n) {
  const float most = Maximum(x, n);
  if (!(std::abs(most) <= std::numeric_limits<float>::max())) return static_cast<double>(most);
  return static_cast<double>(most) + LogSumAbove(x, most, n);
}

void Softmax(const float* x, float* y, I n) {
  const Vec shift = hn::Set(kTag, Maximum(x, n));
  const double sum = map_and_sum([shift](Vec v) { return exp_of(hn::Sub(v, shift)); }, y, n, x);
  Scale(static_cast<float>(1 / sum), y, y, n);
}

// What is subtracted, ln sum e^x, is held in two numbers, and what the subtraction loses (Knuth's two-sum) is added at the
// end: a value is off by little more than half a unit in its last place. A row that is not finite has nothing to lose.
void LogSoftmax(const float* x, float* y, I n) {
  const auto [least, most] = ExtremesOf(x, n);
  const double above = LogSumAbove(x, most, n);
  const auto high = static_cast<float>(static_cast<double>(most) + above);
  const Vec whole = hn::Set(kTag, high);
  const Vec rest = set(above - (static_cast<double>(high) - static_cast<double>(most)));
  constexpr float kLarge = 1e37F;  // the sums of such values are finite
  if (!(std::abs(most) < kLarge && std::abs(least) < kLarge))
    return map([=](Vec v) { return hn::Sub(hn::Sub(v, whole), rest); }, y, n, x);
  map(
      [=](Vec v) {
        const Vec result = hn::Sub(v, whole), back = hn::Sub(result, v);
        const Vec lost = hn::Sub(hn::Sub(v, hn::Sub(result, back)), hn::Add(whole, back));
        return hn::Add(result, hn::Sub(lost, rest));
      },
      y, n, x);
}

const char* Target() { return hwy::TargetName(HWY_TARGET); }

}  // namespace loom::math::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace loom::math {

using I = std::int64_t;
HWY_EXPORT(Exp);
HWY_EXPORT(Log);
HWY_EXPORT(Log1p);
HWY_EXPORT(Sigmoid);
HWY_EXPORT(Tanh);
HWY_EXPORT(Softplus);
HWY_EXPORT(Erf);
HWY_EXPORT(Add);
HWY_EXPORT(Multiply);
HWY_EXPORT(MultiplyAdd);
HWY_EXPORT(Scale);
HWY_EXPORT(Accumulate);
HWY_EXPORT(ScaledDifference);
HWY_EXPORT(Clamp);
HWY_EXPORT(MovingAverage);
HWY_EXPORT(Sum);
HWY_EXPORT(SumOfSquares);
HWY_EXPORT(Dot);
HWY_EXPORT(SquaredDistance);
HWY_EXPORT(AbsoluteDistance);
HWY_EXPORT(Maximum);
HWY_EXPORT(AllFinite);
HWY_EXPORT(LogSumExp);
HWY_EXPORT(Softmax);
HWY_EXPORT(LogSoftmax);
HWY_EXPORT(Target);

void exp(const float* x, float* y, I n) { HWY_DYNAMIC_DISPATCH(Exp)(x, y, n); }
void log(const float* x, float* y, I n) { HWY_DYNAMIC_DISPATCH(Log)(x, y, n); }
void log1p(const float* x, float* y, I n) { HWY_DYNAMIC_DISPATCH(Log1p)(x, y, n); }
void sigmoid(const float* x, float* y, I n) { HWY_DYNAMIC_DISPATCH(Sigmoid)(x, y, n); }
void tanh(const float* x, float* y, I n) { HWY_DYNAMIC_DISPATCH(Tanh)(x, y, n); }
void softplus(const float* x, float* y, I n) { HWY_DYNAMIC_DISPATCH(Softplus)(x, y, n); }
void erf(const float* x, float* y, I n) { HWY_DYNAMIC_DISPATCH(Erf)(x, y, n); }
void add(const float* a, const float* b, float* y, I n) { HWY_DYNAMIC_DISPATCH(Add)(a, b, y, n); }
void multiply(const float* a, const float* b, float* y, I n) { HWY_DYNAMIC_DISPATCH(Multiply)(a, b, y, n); }
void multiply_add(const float* a, const float* b, float* y, I n) { HWY_DYNAMIC_DISPATCH(MultiplyAdd)(a, b, y, n); }
void scale(float factor, const float* x, float* y, I n) { HWY_DYNAMIC_DISPATCH(Scale)(factor, x, y, n); }
void accumulate(float factor, const float* x, float* y, I n) { HWY_DYNAMIC_DISPATCH(Accumulate)(factor, x, y, n); }
void scaled_difference(float factor, const float* a, const float* b, float* y, I n) {
  HWY_DYNAMIC_DISPATCH(ScaledDifference)(factor, a, b, y, n);
}
void clamp(float low, float high, const float* x, float* y, I n) { HWY_DYNAMIC_DISPATCH(Clamp)(low, high, x, y, n); }
void moving_average(float* average, const float* value, double decay, I n) {
  HWY_DYNAMIC_DISPATCH(MovingAverage)(average, value, decay, n);
}

double sum(const float* x, I n) { return HWY_DYNAMIC_DISPATCH(Sum)(x, n); }
double sum_of_squares(const float* x, I n) { return HWY_DYNAMIC_DISPATCH(SumOfSquares)(x, n); }
double dot(const float* a, const float* b, I n) { return HWY_DYNAMIC_DISPATCH(Dot)(a, b, n); }
double squared_distance(const float* a, const float* b, I n) { return HWY_DYNAMIC_DISPATCH(SquaredDistance)(a, b, n); }
double absolute_distance(const float* a, const float* b, I n) {
  return HWY_DYNAMIC_DISPATCH(AbsoluteDistance)(a, b, n);
}
float maximum(const float* x, I n) { return HWY_DYNAMIC_DISPATCH(Maximum)(x, n); }
bool all_finite(const float* x, I n) { return HWY_DYNAMIC_DISPATCH(AllFinite)(x, n); }

double log_sum_exp(const float* x, I n) { return HWY_DYNAMIC_DISPATCH(LogSumExp)(x, n); }
void softmax(const float* x, float* y, I n) { HWY_DYNAMIC_DISPATCH(Softmax)(x, y, n); }
void log_softmax(const float* x, float* y, I n) { HWY_DYNAMIC_DISPATCH(LogSoftmax)(x, y, n); }

std::string simd_target() { return HWY_DYNAMIC_DISPATCH(Target)(); }

}  // namespace loom::math
#endif
