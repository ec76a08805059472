// Activations and their gradients, on float spans.
//
// The conventions are those of loom/math.h: `n` counts elements, an output may be the same memory as an input of the
// same call, and the same values give the same bits. Thread safety: pure functions; no call allocates.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace loom::math {

enum class Activation {
  identity,
  relu,
  leaky_relu,
  elu,
  gelu,
  gelu_tanh,
  silu,
  tanh,
  sigmoid,
  softplus,
  exp,
  hardtanh,
  softsign,
  mish,
  log,
  log1p,
  expm1,
  sqrt,
  rsqrt,
  abs,
  square,
  reciprocal,
  sin,
  cos,
  erf,
  relu6,
  selu,
  hardsigmoid,
  hardswish,
  logsigmoid
};
const std::vector<std::string>& activation_names();  // in the order of the enumeration
Activation activation_of(std::string_view name);     // throws Error(unknown_word)
// Straight lines between kinks, and f' is the same at x and at f(x): the derivative follows from the value, and does not
// move with x.
bool is_piecewise_linear(Activation function);
// True where the derivative follows from the value alone: backward needs no input then.
bool derivative_from_output(Activation function);
// `shape` is the slope of leaky_relu (default 0.01) or the alpha of elu (default 1); other functions ignore it.
float default_shape(Activation function);
void activate(Activation function, float shape, const float* x, float* y, std::int64_t n);
// diff_x = diff_y f'(x), from the input or (if derivative_from_output) from the output.
void activation_gradient(Activation function, float shape, const float* x, const float* diff_y, float* diff_x,
                         std::int64_t n);
// diff_x = diff_y f''(x), which is 0 at a kink.
void activation_curvature(Activation function, float shape, const float* x, const float* diff_y, float* diff_x,
                          std::int64_t n);
void activation_gradient_from_output(Activation function, float shape, const float* y, const float* diff_y,
                                     float* diff_x, std::int64_t n);

}  // namespace loom::math
