// The second derivative of a normalisation: of values x that share a mean and a deviation, y = weight (x - mean) / sigma + bias.
//   J = weight P / sigma,  P = 1 - 1 1^T / m - xhat xhat^T / m,  xhat = (x - mean) / sigma,  sigma^2 = variance + eps
// For s = <diff_y, J v> and g = weight diff_y:
//   ds/dx = -(s xhat + (<v, xhat> P g + <g, xhat> P v) / sigma) / (m sigma),   ds/d diff_y = J v
#pragma once

#include <cmath>

#include "loom/node.h"

namespace loom::nodes {

struct NormalisedSet {
  const float *x, *diff_y, *v;
  const float* weight;                  // of each channel; null: 1
  float *diff_x, *along, *diff_weight;  // null: not wanted; diff_weight is added to
  double eps;

  // each(f): f(place, channel) for each value of the set, of which there are `count`.
  template <class Each>
  void second_backward(const Each& each, double count) const {
    double total = 0, squares = 0;
    each([&](std::int64_t i, std::int64_t) { total += at(x, i); });
    const double mean = total / count;
    each([&](std::int64_t i, std::int64_t) { squares += (at(x, i) - mean) * (at(x, i) - mean); });
    const double inverse = 1 / std::sqrt(squares / count + eps);
    double g_sum = 0, v_sum = 0, g_along = 0, v_along = 0, product = 0;
    each([&](std::int64_t i, std::int64_t c) {
      const double g = factor(c) * at(diff_y, i), xhat = (at(x, i) - mean) * inverse;
      g_sum += g, v_sum += at(v, i);
      g_along += g * xhat, v_along += at(v, i) * xhat;
      product += g * at(v, i);
    });
    const double s = inverse * (product - g_sum * v_sum / count - g_along * v_along / count);
    each([&](std::int64_t i, std::int64_t c) {
      const double g = factor(c) * at(diff_y, i), xhat = (at(x, i) - mean) * inverse;
      const double pg = g - g_sum / count - xhat * g_along / count;
      const double pv = at(v, i) - v_sum / count - xhat * v_along / count;
      if (along != nullptr) along[i] = static_cast<float>(factor(c) * inverse * pv);
      if (diff_weight != nullptr) diff_weight[c] += static_cast<float>(at(diff_y, i) * inverse * pv);
      if (diff_x == nullptr) return;
      diff_x[i] = static_cast<float>(-inverse / count * (s * xhat + inverse * (v_along * pg + g_along * pv)));
    });
  }

  // The tensors of a call of a node with one input, from an element on.
  static NormalisedSet of(const SecondBackward& b, bool affine, double eps, std::int64_t from) {
    const auto wanted = [&](const TensorView& view) { return view.empty() ? nullptr : view.data() + from; };
    return {.x = b.input(0).data() + from,
            .diff_y = b.diff_output(0).data() + from,
            .v = b.direction.data() + from,
            .weight = affine ? b.parameter("weight").data() : nullptr,
            .diff_x = wanted(b.diff_input(0)),
            .along = wanted(b.diff_diff_output(0)),
            .diff_weight = b.wants_parameter_diff("weight") ? b.diff_parameter("weight").data() : nullptr,
            .eps = eps};
  }

 private:
  static double at(const float* values, std::int64_t i) { return static_cast<double>(values[i]); }
  double factor(std::int64_t c) const { return weight == nullptr ? 1.0 : static_cast<double>(weight[c]); }
};

}  // namespace loom::nodes
