// AdaBelief: Adam that divides the step by the distance of the gradient from its mean instead of its size. Where
// gradients agree with each other, steps are long.
//   m = beta1 m + (1 - beta1) g,  s = beta2 s + (1 - beta2) (g - m)^2 + epsilon
//   w -= lr (m / (1 - beta1^t)) / (sqrt(s / (1 - beta2^t)) + epsilon)
// Weight decay is decoupled: the weight is multiplied by 1 - lr weight_decay first.
// Zhuang et al. 2020, AdaBelief Optimizer: Adapting Stepsizes by the Belief in Observed Gradients, algorithm 2.
#include <loom/optimizer.h>

#include <cmath>

namespace {

class AdaBelief final : public loom::Optimizer {
 public:
  static void declare(loom::Contract& c) {
    c.summary("AdaBelief: Adam with the gradient's variance around its own mean in the denominator");
    c.source("Zhuang et al. 2020, AdaBelief Optimizer, algorithm 2");
    c.option("beta1", 0.9, loom::number().at_least(0).below(1), "decay of the mean of the gradient");
    c.option("beta2", 0.999, loom::number().at_least(0).below(1), "decay of the mean squared distance from it");
    c.option("epsilon", 1e-16, loom::number().above(0), "added to that distance in each step, and to the denominator");
    c.option("weight_decay", 0.0, loom::at_least(0), "shrinks the weight by 1 - lr weight_decay");
  }

  explicit AdaBelief(const loom::Options& options)
      : beta1_(options.number("beta1")),
        beta2_(options.number("beta2")),
        epsilon_(options.number("epsilon")),
        weight_decay_(options.number("weight_decay")) {}

  std::vector<std::string> states() const override { return {"m", "s"}; }

  void update(const loom::Update& u) const override {
    // What all elements share is computed once, in double: 1 - beta2^t is 0.001 in the first step.
    const double t = static_cast<double>(u.step);
    const auto rate = static_cast<float>(u.learning_rate / (1 - std::pow(beta1_, t)));
    const auto inverse = static_cast<float>(1 / (1 - std::pow(beta2_, t)));
    const auto keep = static_cast<float>(1 - u.learning_rate * weight_decay_);
    const auto beta1 = static_cast<float>(beta1_), new1 = static_cast<float>(1 - beta1_);
    const auto beta2 = static_cast<float>(beta2_), new2 = static_cast<float>(1 - beta2_);
    const auto epsilon = static_cast<float>(epsilon_), factor = static_cast<float>(u.gradient_factor);
    float *const m = u.states[0], *const s = u.states[1];
    for (std::int64_t i = 0; i < u.count; ++i) {
      const float g = factor * u.gradient[i];
      m[i] = beta1 * m[i] + new1 * g;
      const float distance = g - m[i];
      s[i] = beta2 * s[i] + new2 * distance * distance + epsilon;
      u.weight[i] = keep * u.weight[i] - rate * m[i] / (std::sqrt(s[i] * inverse) + epsilon);
    }
  }

 private:
  double beta1_, beta2_, epsilon_, weight_decay_;
};

}  // namespace

LOOM_OPTIMIZER(AdaBelief, "adabelief")
