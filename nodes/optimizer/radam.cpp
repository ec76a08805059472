// RAdam: Adam without the adaptive denominator in the first steps, where it is an estimate from few gradients; then
// with a step that grows with the estimate's degrees of freedom. The formulas and defaults of torch.optim.
//   m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g^2,  M = m / (1 - beta1^t)
//   w -= lr M r sqrt(1 - beta2^t) / (sqrt(v) + epsilon)  if p_t > 5, else lr M
//   p = 2 / (1 - beta2) - 1,  p_t = p - 2 t beta2^t / (1 - beta2^t),
//   r = sqrt((p_t - 4) (p_t - 2) p / ((p - 4) (p - 2) p_t))
// Liu et al. 2020, On the Variance of the Adaptive Learning Rate and Beyond, algorithm 2.
#include <cmath>

#include "loom/optimizer.h"

namespace loom::nodes {
namespace {

class RAdam final : public Optimizer {
 public:
  static void declare(Contract& c) {
    c.summary("Adam with a rectified step: no warm-up is needed");
    c.source("Liu et al. 2020, On the Variance of the Adaptive Learning Rate and Beyond, algorithm 2");
    c.option("beta1", 0.9, number().at_least(0).below(1), "decay of the mean of the gradient");
    c.option("beta2", 0.999, number().at_least(0).below(1), "decay of the mean of its square");
    c.option("epsilon", 1e-8, at_least(0), "added to the denominator");
    c.option("weight_decay", 0.0, at_least(0), "times the weight is added to the gradient");
  }
  explicit RAdam(const Options& options)
      : beta1_(options.number("beta1")),
        beta2_(options.number("beta2")),
        epsilon_(static_cast<float>(options.number("epsilon"))),
        weight_decay_(static_cast<float>(options.number("weight_decay"))) {}

  std::vector<std::string> states() const override { return {"m", "v"}; }

  void update(const Update& u) const override {
    const auto factor = static_cast<float>(u.gradient_factor);
    const auto beta1 = static_cast<float>(beta1_), new1 = static_cast<float>(1 - beta1_);
    const auto beta2 = static_cast<float>(beta2_), new2 = static_cast<float>(1 - beta2_);
    const double rectified = rectification(static_cast<double>(u.step));
    const auto rate = static_cast<float>(u.learning_rate / (1 - std::pow(beta1_, static_cast<double>(u.step))) *
                                         (rectified > 0 ? rectified : 1));
    float *const m = u.states[0], *const v = u.states[1];
    for (std::int64_t i = 0; i < u.count; ++i) {
      const float g = factor * u.gradient[i] + weight_decay_ * u.weight[i];
      m[i] = beta1 * m[i] + new1 * g;
      v[i] = beta2 * v[i] + new2 * g * g;
      u.weight[i] -= rectified > 0 ? rate * m[i] / (std::sqrt(v[i]) + epsilon_) : rate * m[i];
    }
  }

 private:
  // r sqrt(1 - beta2^t), or 0 in the first steps.
  double rectification(double t) const {
    const double power = std::pow(beta2_, t), most = 2 / (1 - beta2_) - 1;
    const double length = most - 2 * t * power / (1 - power);
    if (!(length > 5)) return 0;
    return std::sqrt((length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length)) * std::sqrt(1 - power);
  }

  double beta1_, beta2_;
  float epsilon_, weight_decay_;
};

LOOM_OPTIMIZER(RAdam, "radam")

}  // namespace
}  // namespace loom::nodes
