// Activation functions, elementwise, forward and backward.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace loom::dnnl {

enum class EltwiseKind {
  relu,
  leaky_relu,  // x > 0 ? x : alpha x
  elu,         // x > 0 ? x : alpha (exp(x) - 1)
  gelu_erf,    // x Phi(x)
  gelu_tanh,   // its approximation with tanh
  silu,        // x sigmoid(alpha x), alpha usually 1
  tanh,
  sigmoid,
  softplus,  // log(1 + exp(x))
  exp,
};

// y = f(x) on `count` floats. Immutable; forward() and backward() may run on many threads at once. No
// scratch.
class Eltwise {
 public:
  // alpha: not negative for leaky_relu and elu; ignored by all other kinds except silu.
  Eltwise(EltwiseKind kind, std::int64_t count, float alpha = 1.0F);
  ~Eltwise();
  Eltwise(Eltwise&&) noexcept;
  Eltwise& operator=(Eltwise&&) noexcept;

  // Whether backward() takes the forward pass's y (relu, leaky_relu, elu, tanh, sigmoid, exp: the forward pass may then
  // work in place) or its x (gelu, silu, softplus).
  static bool backward_reads_output(EltwiseKind kind);

  // y may be x.
  void forward(const float* x, float* y) const;
  // diff_x = diff_y f'(x). x_or_y: see backward_reads_output(). diff_x may be diff_y.
  void backward(const float* diff_y, const float* x_or_y, float* diff_x) const;

 private:
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

}  // namespace loom::dnnl
