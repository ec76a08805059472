// The losses of an adversarial game, on logits: how wrong a logit is about "real" or "generated".
//   logistic:      -ln sigmoid(l) = softplus(-l), or softplus(l)      Goodfellow et al. 2014
//   hinge:         max(0, 1 - l), or max(0, 1 + l)                    Lim and Ye 2017
//   least_squares: 1/2 (l - 1)^2, or 1/2 l^2                          Mao et al. 2017
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include "loom/node.h"

namespace loom::nodes {

class GanLoss {
 public:
  static void declare(Contract& c) {
    c.option("kind", "logistic", text({"logistic", "hinge", "least_squares"}), "form of the loss");
  }
  explicit GanLoss(const Options& options) : kind_(options.text("kind")) {}

  // Summed over an event.
  double value(bool real, const float* logits, std::int64_t n) const {
    double sum = 0;
    for (std::int64_t i = 0; i < n; ++i) sum += one(real ? logits[i] : -logits[i], real);
    return sum;
  }
  // Writes factor times the gradient.
  void gradient(float factor, bool real, const float* logits, float* diff, std::int64_t n) const {
    for (std::int64_t i = 0; i < n; ++i) {
      const double signed_logit = static_cast<double>(real ? logits[i] : -logits[i]);
      diff[i] = factor * static_cast<float>((real ? 1 : -1) * slope(signed_logit, real));
    }
  }
  bool hinge() const { return kind_ == "hinge"; }

 private:
  // Of l for "real" and of -l for "generated", so that both are losses of the same kind.
  double one(float signed_logit, bool real) const {
    const auto l = static_cast<double>(signed_logit);
    if (kind_ == "logistic") return std::max(0.0, -l) + std::log1p(std::exp(-std::abs(l)));
    if (kind_ == "hinge") return std::max(0.0, 1 - l);
    return 0.5 * (l - (real ? 1 : 0)) * (l - (real ? 1 : 0));
  }
  double slope(double l, bool real) const {
    if (kind_ == "logistic") return -1 / (1 + std::exp(l));
    if (kind_ == "hinge") return l < 1 ? -1 : 0;
    return l - (real ? 1 : 0);
  }

  std::string kind_;
};

}  // namespace loom::nodes
