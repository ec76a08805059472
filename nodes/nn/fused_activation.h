// The activation that a linear or a convolution node applies to its result.
//
// relu runs in the kernel. The others are applied in place afterwards. Their backward works from the output if
// the derivative follows from it (tanh, sigmoid, elu), and otherwise from the sums before the activation, which
// forward saves. In bf16, relu and no activation work on what is stored; the others compute in f32.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "loom/math.h"
#include "loom/node.h"
#include "math/activation.h"
#include "math/bf16.h"
#include "nn/stored_rows.h"

namespace loom::nodes {

class FusedActivation {
 public:
  static void declare(Contract& c) {
    std::vector<std::string> names = {"none"};
    names.insert(names.end(), math::activation_names().begin(), math::activation_names().end());
    c.option("activation", "none", text(std::move(names)), "applied to the result");
    c.fuses({.option = "activation", .none = "none", .type = "activation", .as = "function"});
  }

  explicit FusedActivation(const Options& options) {
    if (options.text("activation") != "none") function_ = math::activation_of(options.text("activation"));
    shape_ = math::default_shape(function_);
  }

  bool relu() const { return function_ == math::Activation::relu; }
  bool none() const { return function_ == math::Activation::identity; }
  bool keeps_nothing() const { return math::derivative_from_output(function_); }

  // For the first output, of `count` values.
  void prepare(const Prepare& p, std::int64_t count) {
    is_bf16_ = p.output_views[0].dtype() == DType::bf16;
    if (!p.backward || none()) return;
    if (kernel_bf16()) {
      mask_ = p.scratch<BFloat16>(count);
      return;
    }
    if (!math::derivative_from_output(function_)) sums_ = p.saved<float>(count);
    if (is_bf16_) wide_ = p.scratch<float>(count);
    gradient_ = p.scratch<float>(count);
  }

  // Whether the kernel writes bf16, and reads the gradient so: of the stored output itself.
  bool kernel_bf16() const { return is_bf16_ && (none() || relu()); }
  // Where the kernel writes.
  void* target(const Call& f, TensorView y) const {
    return !is_bf16_ || kernel_bf16() ? y.raw() : (sums_.empty() ? wide_(f) : sums_(f)).data();
  }

  // After the kernel has written.
  void apply(const Call& f, TensorView y) const {
    if (none() || relu()) return;
    if (is_bf16_) {
      float* values = wide_(f).data();
      math::activate(function_, shape_, static_cast<const float*>(target(f, y)), values, y.count());
      return math::to_bf16(values, y.data<BFloat16>(), y.count());
    }
    if (!sums_.empty()) std::ranges::copy(y.values(), sums_(f).begin());
    math::activate(function_, shape_, y.data(), y.data(), y.count());
  }

  // The gradient by the sums before the activation: diff_y itself, or in scratch.
  const void* gradient(const Backward& b, TensorView y, TensorView diff_y) const {
    if (none()) return diff_y.raw();
    if (kernel_bf16()) {
      BFloat16* masked = mask_(b).data();
      math::relu_mask(diff_y.data<BFloat16>(), y.data<BFloat16>(), masked, diff_y.count());
      return masked;
    }
    float* gradient = gradient_(b).data();
    const float* diff = values_in_f32(diff_y, gradient);
    if (math::derivative_from_output(function_)) {
      const float* values = values_in_f32(y, is_bf16_ ? wide_(b).data() : nullptr);
      math::activation_gradient_from_output(function_, shape_, values, diff, gradient, diff_y.count());
    } else {
      math::activation_gradient(function_, shape_, sums_(b).data(), diff, gradient, diff_y.count());
    }
    return gradient;
  }

 private:
  math::Activation function_ = math::Activation::identity;
  float shape_ = 1;
  bool is_bf16_ = false;         // the output
  Slot<float> sums_, gradient_;  // before the activation, for backward; by them
  Slot<float> wide_;             // of an output in bf16
  Slot<BFloat16> mask_;          // the gradient through a relu in bf16
};

}  // namespace loom::nodes
