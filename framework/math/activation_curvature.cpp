// Second derivatives of activations: 0 at kinks, as PyTorch has them.
#include <numbers>

#include "math/activation.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "math/activation_curvature.cpp"  // this file, once per instruction set
#include <hwy/foreach_target.h>

#include "math/functions-inl.h"
#include "math/gamma-inl.h"

HWY_BEFORE_NAMESPACE();
namespace loom::math::HWY_NAMESPACE {
namespace curvature {

using I = std::int64_t;

HWY_INLINE Vec zero() { return hn::Zero(kTag); }
HWY_INLINE Vec one() { return set(1); }
HWY_INLINE Vec below_zero(Vec x, Vec value) { return hn::IfThenZeroElse(hn::Gt(x, zero()), value); }
HWY_INLINE Vec one_less_square(Vec t) { return hn::NegMulAdd(t, t, one()); }
// s (1 - s) of the sigmoid, without cancellation.
HWY_INLINE Vec bell(Vec x) { return hn::Mul(sigmoid_of(x), sigmoid_of(hn::Neg(x))); }
// e^-(x^2 factor), 0 where it is too small.
HWY_INLINE Vec gaussian(Vec x, double factor) {
  return hn::IfThenElseZero(hn::Lt(hn::Abs(x), set(16)), exp_of(hn::Mul(set(-factor), hn::Mul(x, x))));
}
HWY_INLINE Vec gelu(Vec x) {  // phi(x) (2 - x^2)
  const Vec density = hn::Mul(set(0.5 * std::numbers::inv_sqrtpi * std::numbers::sqrt2), gaussian(x, 0.5));
  return hn::Mul(density, hn::NegMulAdd(x, x, set(2)));
}
HWY_INLINE Vec gelu_tanh(Vec x) {  // (1 - t^2) (u' + x / 2 (u'' - 2 t u'^2)), t = tanh(u)
  constexpr double kScale = std::numbers::sqrt2 * std::numbers::inv_sqrtpi, kCube = 0.044715;
  const Vec square = hn::Mul(x, x);
  const Vec t = tanh_of(hn::Mul(set(kScale), hn::Mul(x, hn::MulAdd(set(kCube), square, one()))));
  const Vec first = hn::Mul(set(kScale), hn::MulAdd(set(3 * kCube), square, one()));
  const Vec second = hn::Mul(set(6 * kCube * kScale), x);
  const Vec inner = hn::NegMulAdd(hn::Mul(set(2), t), hn::Mul(first, first), second);
  return hn::Mul(one_less_square(t), hn::MulAdd(hn::Mul(set(0.5), x), inner, first));
}
HWY_INLINE Vec silu(Vec x) {  // s (1 - s) (2 + x (1 - 2 s))
  const Vec s = sigmoid_of(x);
  return hn::Mul(bell(x), hn::MulAdd(x, hn::NegMulAdd(set(2), s, one()), set(2)));
}
HWY_INLINE Vec mish(Vec x) {  // (1 - t^2) s (2 + x (1 - s - 2 t s)), t = tanh(softplus(x))
  const Vec s = sigmoid_of(x), t = tanh_of(softplus_of(x));
  const Vec inner = hn::Sub(hn::Sub(one(), s), hn::Mul(set(2), hn::Mul(t, s)));
  return hn::Mul(hn::Mul(one_less_square(t), s), hn::MulAdd(x, inner, set(2)));
}
HWY_INLINE Vec tanh(Vec x) {
  const Vec t = tanh_of(x);
  return hn::Mul(hn::Mul(set(-2), t), one_less_square(t));
}
HWY_INLINE Vec softsign(Vec x) {  // -2 sign(x) / (1 + |x|)^3
  const Vec r = hn::Div(one(), hn::Add(one(), hn::Abs(x)));
  const Vec cube = hn::Mul(set(-2), hn::Mul(r, hn::Mul(r, r)));
  return hn::IfThenElse(hn::Eq(x, zero()), zero(), hn::CopySign(cube, hn::Neg(x)));
}
HWY_INLINE Vec over_square(Vec x, double factor) { return hn::Div(set(factor), hn::Mul(x, x)); }

}  // namespace curvature

void Curvature(Activation function, float shape, const float* x, const float* d, float* out, std::int64_t n) {
  const auto times = [&](auto f) { map([f](Vec v, Vec g) { return hn::Mul(g, f(v)); }, out, n, x, d); };
  const auto exponential = [&](double factor) {
    times([factor](Vec v) {
      return curvature::below_zero(v, hn::Mul(set(factor), exp_of(hn::Min(curvature::zero(), v))));
    });
  };
  switch (function) {
    case Activation::elu: return exponential(static_cast<double>(shape));
    case Activation::selu: return exponential(1.0507009873554805 * 1.6732632423543772);
    case Activation::gelu: return times([](Vec v) { return curvature::gelu(v); });
    case Activation::gelu_tanh: return times([](Vec v) { return curvature::gelu_tanh(v); });
    case Activation::silu: return times([](Vec v) { return curvature::silu(v); });
    case Activation::mish: return times([](Vec v) { return curvature::mish(v); });
    case Activation::tanh: return times([](Vec v) { return curvature::tanh(v); });
    case Activation::sigmoid:
      return times([](Vec v) { return hn::Mul(curvature::bell(v), hn::NegMulAdd(set(2), sigmoid_of(v), set(1))); });
    case Activation::softplus: return times([](Vec v) { return curvature::bell(v); });
    case Activation::logsigmoid: return times([](Vec v) { return hn::Neg(curvature::bell(v)); });
    case Activation::exp:
    case Activation::expm1: return times([](Vec v) { return exp_of(v); });
    case Activation::softsign: return times([](Vec v) { return curvature::softsign(v); });
    case Activation::log: return times([](Vec v) { return curvature::over_square(v, -1); });
    case Activation::log1p: return times([](Vec v) { return curvature::over_square(hn::Add(set(1), v), -1); });
    case Activation::sqrt: return times([](Vec v) { return hn::Div(set(-0.25), hn::Mul(v, hn::Sqrt(v))); });
    case Activation::rsqrt: return times([](Vec v) { return hn::Div(set(0.75), hn::Mul(hn::Mul(v, v), hn::Sqrt(v))); });
    case Activation::square: return times([](Vec) { return set(2); });
    case Activation::reciprocal: return times([](Vec v) { return hn::Div(curvature::over_square(v, 2), v); });
    case Activation::sin:
      return map_wide([](Wide v, Wide g) { return hn::Neg(hn::Mul(g, sine_or_cosine(v, true))); }, out, n, x, d);
    case Activation::cos:
      return map_wide([](Wide v, Wide g) { return hn::Neg(hn::Mul(g, sine_or_cosine(v, false))); }, out, n, x, d);
    case Activation::erf:
      return times(
          [](Vec v) { return hn::Mul(hn::Mul(set(-4 * std::numbers::inv_sqrtpi), v), curvature::gaussian(v, 1)); });
    case Activation::hardswish:
      return times([](Vec v) { return hn::IfThenElseZero(hn::Lt(hn::Abs(v), set(3)), set(1.0 / 3)); });
    default: return times([](Vec) { return curvature::zero(); });  // straight on both sides of its kinks
  }
}

}  // namespace loom::math::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace loom::math {

HWY_EXPORT(Curvature);

bool is_piecewise_linear(Activation function) {
  switch (function) {
    case Activation::identity:
    case Activation::relu:
    case Activation::leaky_relu:
    case Activation::relu6:
    case Activation::hardtanh: return true;
    default: return false;
  }
}

void activation_curvature(Activation function, float shape, const float* x, const float* diff_y, float* diff_x,
                          std::int64_t n) {
  HWY_DYNAMIC_DISPATCH(Curvature)(function, shape, x, diff_y, diff_x, n);
}

}  // namespace loom::math
#endif
