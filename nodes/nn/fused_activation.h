// The activation that a linear or a convolution node applies to its result.
//
// relu runs in the kernel. The others are applied in place afterwards. Their backward works from the output if
// the derivative follows from it (tanh, sigmoid, elu), and otherwise from the sums before the activation, which
// forward saves.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "loom/math.h"
#include "loom/node.h"
#include "math/activation.h"

namespace loom::nodes {

class FusedActivation {
 public:
  static void declare(Contract& c) {
    std::vector<std::string> names = {"none"};
    names.insert(names.end(), math::activation_names().begin(), math::activation_names().end());
    c.option("activation", "none", text(std::move(names)), "applied to the result");
  }

  explicit FusedActivation(const Options& options) {
    if (options.text("activation") != "none") function_ = math::activation_of(options.text("activation"));
    shape_ = math::default_shape(function_);
  }

  bool relu() const { return function_ == math::Activation::relu; }
  bool none() const { return function_ == math::Activation::identity; }

  // For an output of `count` values.
  void prepare(const Prepare& p, std::int64_t count) {
    if (!p.backward || none()) return;
    if (!math::derivative_from_output(function_)) sums_ = p.saved<float>(count);
    gradient_ = p.scratch<float>(count);
  }

  // After the primitive has written y.
  void apply(const Call& f, TensorView y) const {
    if (none() || relu()) return;
    if (!sums_.empty()) std::ranges::copy(y.values(), sums_(f).begin());
    math::activate(function_, shape_, y.data(), y.data(), y.count());
  }

  // The gradient by the sums before the activation: diff_y itself, or in scratch.
  const float* gradient(const Backward& b, TensorView y, TensorView diff_y) const {
    if (none()) return diff_y.data();
    float* gradient = gradient_(b).data();
    if (math::derivative_from_output(function_)) {
      math::activation_gradient_from_output(function_, shape_, y.data(), diff_y.data(), gradient, diff_y.count());
    } else {
      math::activation_gradient(function_, shape_, sums_(b).data(), diff_y.data(), gradient, diff_y.count());
    }
    return gradient;
  }

 private:
  math::Activation function_ = math::Activation::identity;
  float shape_ = 1;
  Slot<float> sums_, gradient_;  // before the activation, for backward; by them
};

}  // namespace loom::nodes
