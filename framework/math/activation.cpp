// Activations and their derivatives. erf-based GELU: Hendrycks and Gimpel 2016; SiLU: Elfwing et al. 2017; Mish: Misra
// 2019; ELU: Clevert et al. 2015. Definitions as in torch.nn.functional.
#include <algorithm>
#include <numbers>

#include "loom/error.h"
#include "math/activation.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "math/activation.cpp"  // this file, once per instruction set
#include <hwy/foreach_target.h>

#include "math/functions-inl.h"
#include "math/gamma-inl.h"

HWY_BEFORE_NAMESPACE();
namespace loom::math::HWY_NAMESPACE {

using I = std::int64_t;

HWY_INLINE Vec zero() { return hn::Zero(kTag); }
HWY_INLINE Vec one() { return set(1); }
HWY_INLINE Vec where_positive(Vec x, Vec yes, Vec no) { return hn::IfThenElse(hn::Gt(x, zero()), yes, no); }

HWY_INLINE Vec clamp_of(Vec x) { return clip(x, set(-1), one()); }

HWY_INLINE Vec gelu_of(Vec x) {
  const Vec half = hn::Mul(set(0.5), x);
  return hn::MulAdd(half, erf_of(hn::Mul(x, set(1 / std::numbers::sqrt2))), half);
}
// Phi(x) + x phi(x)
HWY_INLINE Vec gelu_slope(Vec x) {
  const Vec density =
      hn::Mul(set(0.5 * std::numbers::inv_sqrtpi * std::numbers::sqrt2), exp_of(hn::Mul(set(-0.5), hn::Mul(x, x))));
  const Vec cumulative = hn::MulAdd(set(0.5), erf_of(hn::Mul(x, set(1 / std::numbers::sqrt2))), set(0.5));
  return hn::MulAdd(x, hn::IfThenElseZero(hn::Lt(hn::Abs(x), set(16)), density), cumulative);
}

inline constexpr double kRootTwoOverPi = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
HWY_INLINE Vec gelu_tanh_argument(Vec x) {
  return hn::Mul(set(kRootTwoOverPi), hn::Mul(x, hn::MulAdd(set(0.044715), hn::Mul(x, x), one())));
}
HWY_INLINE Vec gelu_tanh_of(Vec x) {
  const Vec half = hn::Mul(set(0.5), x);
  return hn::MulAdd(half, tanh_of(gelu_tanh_argument(x)), half);
}
HWY_INLINE Vec gelu_tanh_slope(Vec x) {
  const Vec t = tanh_of(gelu_tanh_argument(x));
  const Vec inner = hn::Mul(set(kRootTwoOverPi), hn::MulAdd(set(3 * 0.044715), hn::Mul(x, x), one()));
  const Vec slope = hn::Mul(hn::NegMulAdd(t, t, one()), inner);
  return hn::Mul(set(0.5), hn::Add(hn::Add(one(), t), hn::Mul(x, slope)));
}

HWY_INLINE Vec silu_slope(Vec x) {
  const Vec s = sigmoid_of(x);
  return hn::Mul(s, hn::MulAdd(x, hn::Sub(one(), s), one()));
}
// x tanh(softplus(x)) = x w / (w + 2) with w = e^2x + 2 e^x. From 20 on the quotient is 1.
struct MishParts {
  Vec e, w;
};
HWY_INLINE MishParts mish_parts(Vec x) {
  const Vec e = exp_of(hn::Min(set(20), x));
  return {e, hn::MulAdd(e, e, hn::Add(e, e))};
}
HWY_INLINE Vec mish_of(Vec x) {
  const Vec w = mish_parts(x).w;
  return hn::Mul(x, hn::Div(w, hn::Add(w, set(2))));
}
// w / (w + 2) + x 4 e (e + 1) / (w + 2)^2
HWY_INLINE Vec mish_slope(Vec x) {
  const auto [e, w] = mish_parts(x);
  const Vec r = hn::Div(one(), hn::Add(w, set(2)));
  const Vec slope = hn::Mul(hn::Mul(hn::Mul(set(4), e), hn::Mul(hn::Add(e, one()), r)), r);
  return hn::MulAdd(x, slope, hn::Mul(w, r));
}

// Klambauer et al. 2017, Self-Normalizing Neural Networks.
inline constexpr double kSeluScale = 1.0507009873554805, kSeluAlpha = 1.6732632423543772;

HWY_INLINE Vec expm1_everywhere(Vec x) {
  return keep_nan(x, hn::Expm1(kTag, hn::Max(set(-100), hn::Min(set(100), x))));
}
HWY_INLINE Vec clip_of(Vec x, double low, double high) { return clip(x, set(low), set(high)); }
HWY_INLINE Vec selu_of(Vec x) {
  const Vec below = hn::Mul(set(kSeluAlpha), expm1_of_negative(x));
  return hn::Mul(set(kSeluScale), where_positive(x, x, below));
}
HWY_INLINE Vec selu_slope(Vec x) {
  return hn::Mul(set(kSeluScale), where_positive(x, one(), hn::Mul(set(kSeluAlpha), exp_of(hn::Min(zero(), x)))));
}
// (x + 3) / 6 within 0 and 1: Howard et al. 2019, Searching for MobileNetV3.
HWY_INLINE Vec hardsigmoid_of(Vec x) { return clip_of(hn::MulAdd(x, set(1.0 / 6), set(0.5)), 0, 1); }
HWY_INLINE Vec within_three(Vec x, Vec inside, Vec above) {
  const Vec upper = hn::IfThenElse(hn::Lt(x, set(3)), inside, above);
  return hn::IfThenElseZero(hn::Gt(x, set(-3)), upper);
}
HWY_INLINE Vec hardswish_slope(Vec x) { return within_three(x, hn::MulAdd(x, set(1.0 / 3), set(0.5)), one()); }
HWY_INLINE Vec sign_or_zero(Vec x) {
  return hn::IfThenElse(hn::Gt(x, zero()), one(), hn::IfThenElseZero(hn::Lt(x, zero()), set(-1)));
}
HWY_INLINE Vec erf_slope(Vec x) { return hn::Mul(set(2 * std::numbers::inv_sqrtpi), exp_of(hn::Neg(hn::Mul(x, x)))); }

void ActivateFurther(Activation function, const float* x, float* y, I n) {
  switch (function) {
    case Activation::log: return map([](Vec v) { return log_of(v); }, y, n, x);
    case Activation::log1p: return map([](Vec v) { return log1p_of(v); }, y, n, x);
    case Activation::expm1: return map([](Vec v) { return expm1_everywhere(v); }, y, n, x);
    case Activation::sqrt: return map([](Vec v) { return hn::Sqrt(v); }, y, n, x);
    case Activation::rsqrt: return map([](Vec v) { return hn::Div(one(), hn::Sqrt(v)); }, y, n, x);
    case Activation::abs: return map([](Vec v) { return hn::Abs(v); }, y, n, x);
    case Activation::square: return map([](Vec v) { return hn::Mul(v, v); }, y, n, x);
    case Activation::reciprocal: return map([](Vec v) { return hn::Div(one(), v); }, y, n, x);
    case Activation::sin: return map_wide([](Wide v) { return sine_or_cosine(v, true); }, y, n, x);
    case Activation::cos: return map_wide([](Wide v) { return sine_or_cosine(v, false); }, y, n, x);
    case Activation::erf: return map([](Vec v) { return erf_of(v); }, y, n, x);
    case Activation::relu6: return map([](Vec v) { return clip_of(v, 0, 6); }, y, n, x);
    case Activation::selu: return map([](Vec v) { return selu_of(v); }, y, n, x);
    case Activation::hardsigmoid: return map([](Vec v) { return hardsigmoid_of(v); }, y, n, x);
    case Activation::hardswish: return map([](Vec v) { return hn::Mul(v, hardsigmoid_of(v)); }, y, n, x);
    case Activation::logsigmoid: return map([](Vec v) { return hn::Neg(softplus_of(hn::Neg(v))); }, y, n, x);
    default: return;  // of Activate()
  }
}

void Activate(Activation function, float shape, const float* x, float* y, I n) {
  const Vec a = hn::Set(kTag, shape);
  switch (function) {
    case Activation::identity: return map([](Vec v) { return v; }, y, n, x);
    case Activation::relu: return map([](Vec v) { return hn::IfThenZeroElse(hn::Lt(v, zero()), v); }, y, n, x);
    case Activation::leaky_relu: return map([a](Vec v) { return where_positive(v, v, hn::Mul(a, v)); }, y, n, x);
    case Activation::elu:
      return map([a](Vec v) { return where_positive(v, v, hn::Mul(a, expm1_of_negative(v))); }, y, n, x);
    case Activation::gelu: return map([](Vec v) { return gelu_of(v); }, y, n, x);
    case Activation::gelu_tanh: return map([](Vec v) { return gelu_tanh_of(v); }, y, n, x);
    case Activation::silu: return map([](Vec v) { return hn::Mul(v, sigmoid_of(v)); }, y, n, x);
    case Activation::tanh: return map([](Vec v) { return tanh_of(v); }, y, n, x);
    case Activation::sigmoid: return map([](Vec v) { return sigmoid_of(v); }, y, n, x);
    case Activation::softplus: return map([](Vec v) { return softplus_of(v); }, y, n, x);
    case Activation::exp: return map([](Vec v) { return exp_of(v); }, y, n, x);
    case Activation::hardtanh: return map([](Vec v) { return clamp_of(v); }, y, n, x);
    case Activation::softsign: return map([](Vec v) { return hn::Div(v, hn::Add(one(), hn::Abs(v))); }, y, n, x);
    case Activation::mish: return map([](Vec v) { return mish_of(v); }, y, n, x);
    default: return ActivateFurther(function, x, y, n);
  }
}

// d is the gradient with respect to the result; each body is the slope at x.
void GradientFurther(Activation function, const float* x, const float* d, float* out, I n) {
  const auto times = [&](auto slope) { map([slope](Vec v, Vec g) { return hn::Mul(g, slope(v)); }, out, n, x, d); };
  switch (function) {
    case Activation::log: return times([](Vec v) { return hn::Div(one(), v); });
    case Activation::log1p: return times([](Vec v) { return hn::Div(one(), hn::Add(one(), v)); });
    case Activation::expm1: return times([](Vec v) { return exp_of(v); });
    case Activation::sqrt: return times([](Vec v) { return hn::Div(set(0.5), hn::Sqrt(v)); });
    case Activation::rsqrt: return times([](Vec v) { return hn::Div(set(-0.5), hn::Mul(v, hn::Sqrt(v))); });
    case Activation::abs: return times([](Vec v) { return sign_or_zero(v); });
    case Activation::square: return times([](Vec v) { return hn::Add(v, v); });
    case Activation::reciprocal: return times([](Vec v) { return hn::Neg(hn::Div(one(), hn::Mul(v, v))); });
    case Activation::sin:
      return map_wide([](Wide v, Wide g) { return hn::Mul(g, sine_or_cosine(v, false)); }, out, n, x, d);
    case Activation::cos:
      return map_wide([](Wide v, Wide g) { return hn::Neg(hn::Mul(g, sine_or_cosine(v, true))); }, out, n, x, d);
    case Activation::erf: return times([](Vec v) { return erf_slope(v); });
    case Activation::relu6:
      return times([](Vec v) { return hn::IfThenElseZero(hn::Lt(v, set(6)), where_positive(v, one(), zero())); });
    case Activation::selu: return times([](Vec v) { return selu_slope(v); });
    case Activation::hardsigmoid: return times([](Vec v) { return within_three(v, set(1.0 / 6), zero()); });
    case Activation::hardswish: return times([](Vec v) { return hardswish_slope(v); });
    case Activation::logsigmoid: return times([](Vec v) { return sigmoid_of(hn::Neg(v)); });
    default: return;  // of Gradient()
  }
}

void Gradient(Activation function, float shape, const float* x, const float* d, float* out, I n) {
  const Vec a = hn::Set(kTag, shape);
  const auto times = [&](auto slope) { map([slope](Vec v, Vec g) { return hn::Mul(g, slope(v)); }, out, n, x, d); };
  switch (function) {
    case Activation::identity: return times([](Vec) { return one(); });
    case Activation::relu: return times([](Vec v) { return where_positive(v, one(), zero()); });
    case Activation::leaky_relu: return times([a](Vec v) { return where_positive(v, one(), a); });
    case Activation::elu:
      return times([a](Vec v) { return where_positive(v, one(), hn::Mul(a, exp_of(hn::Min(zero(), v)))); });
    case Activation::gelu: return times([](Vec v) { return gelu_slope(v); });
    case Activation::gelu_tanh: return times([](Vec v) { return gelu_tanh_slope(v); });
    case Activation::silu: return times([](Vec v) { return silu_slope(v); });
    case Activation::tanh:
      return times([](Vec v) {
        const Vec t = tanh_of(v);
        return hn::NegMulAdd(t, t, one());
      });
    case Activation::sigmoid: return times([](Vec v) { return hn::Mul(sigmoid_of(v), sigmoid_of(hn::Neg(v))); });
    case Activation::softplus: return times([](Vec v) { return sigmoid_of(v); });
    case Activation::exp: return times([](Vec v) { return exp_of(v); });
    case Activation::hardtanh: return times([](Vec v) { return hn::IfThenElseZero(hn::Lt(hn::Abs(v), one()), one()); });
    case Activation::softsign:
      return times([](Vec v) {
        const Vec r = hn::Div(one(), hn::Add(one(), hn::Abs(v)));
        return hn::Mul(r, r);
      });
    case Activation::mish: return times([](Vec v) { return mish_slope(v); });
    default: return GradientFurther(function, x, d, out, n);
  }
}

// The slope at the x whose value is y.
void GradientFromOutput(Activation function, float shape, const float* y, const float* d, float* out, I n) {
  const Vec a = hn::Set(kTag, shape);
  const auto times = [&](auto slope) { map([slope](Vec v, Vec g) { return hn::Mul(g, slope(v)); }, out, n, y, d); };
  switch (function) {
    case Activation::identity: return times([](Vec) { return one(); });
    case Activation::relu: return times([](Vec v) { return where_positive(v, one(), zero()); });
    case Activation::leaky_relu: return times([a](Vec v) { return where_positive(v, one(), a); });
    case Activation::elu: return times([a](Vec v) { return where_positive(v, one(), hn::Add(v, a)); });
    case Activation::tanh: return times([](Vec v) { return hn::NegMulAdd(v, v, one()); });
    case Activation::sigmoid: return times([](Vec v) { return hn::NegMulAdd(v, v, v); });
    case Activation::exp: return times([](Vec v) { return v; });
    case Activation::hardtanh: return times([](Vec v) { return hn::IfThenElseZero(hn::Lt(hn::Abs(v), one()), one()); });
    default: return;  // excluded by derivative_from_output()
  }
}

}  // namespace loom::math::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace loom::math {

using I = std::int64_t;
HWY_EXPORT(Activate);
HWY_EXPORT(Gradient);
HWY_EXPORT(GradientFromOutput);

const std::vector<std::string>& activation_names() {
  static const std::vector<std::string> kNames = {
      "identity", "relu",     "leaky_relu", "elu",         "gelu",      "gelu_tanh",  "silu", "tanh",
      "sigmoid",  "softplus", "exp",        "hardtanh",    "softsign",  "mish",       "log",  "log1p",
      "expm1",    "sqrt",     "rsqrt",      "abs",         "square",    "reciprocal", "sin",  "cos",
      "erf",      "relu6",    "selu",       "hardsigmoid", "hardswish", "logsigmoid"};
  return kNames;
}

Activation activation_of(std::string_view name) {
  const auto& names = activation_names();
  const auto it = std::find(names.begin(), names.end(), name);
  if (it == names.end()) {
    throw Error(ErrorCode::unknown_word, "there is no activation '" + std::string(name) + "'",
                "the nearest is '" + nearest_name(name, names) + "'");
  }
  return static_cast<Activation>(it - names.begin());
}

bool derivative_from_output(Activation function) {
  switch (function) {
    case Activation::identity:
    case Activation::relu:
    case Activation::leaky_relu:
    case Activation::elu:
    case Activation::tanh:
    case Activation::sigmoid:
    case Activation::exp:
    case Activation::hardtanh: return true;
    default: return false;
  }
}

float default_shape(Activation function) { return function == Activation::leaky_relu ? 0.01F : 1.0F; }

void activate(Activation function, float shape, const float* x, float* y, I n) {
  HWY_DYNAMIC_DISPATCH(Activate)(function, shape, x, y, n);
}
void activation_gradient(Activation function, float shape, const float* x, const float* diff_y, float* diff_x, I n) {
  HWY_DYNAMIC_DISPATCH(Gradient)(function, shape, x, diff_y, diff_x, n);
}
void activation_gradient_from_output(Activation function, float shape, const float* y, const float* diff_y,
                                     float* diff_x, I n) {
  HWY_DYNAMIC_DISPATCH(GradientFromOutput)(function, shape, y, diff_y, diff_x, n);
}

}  // namespace loom::math
#endif
