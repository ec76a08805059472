// Lion: the sign of a mean of gradients.
//   w -= lr (sign(beta1 m + (1 - beta1) g) + weight_decay w),  m = beta2 m + (1 - beta2) g
// Chen et al. 2023, Symbolic Discovery of Optimization Algorithms, algorithm 2.
#include <loom/optimizer.h>

namespace {

class NewName final : public loom::Optimizer {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Lion: the sign of a mean of gradients");
    c.source("Chen et al. 2023, Symbolic Discovery of Optimization Algorithms, algorithm 2");
    c.option("beta1", 0.9, loom::number().at_least(0).below(1), "decay of the mean in the step");
    c.option("beta2", 0.99, loom::number().at_least(0).below(1), "decay of the mean that is kept");
    c.option("weight_decay", 0.0, loom::at_least(0), "shrinks the weight by 1 - lr weight_decay");
  }

  explicit NewName(const loom::Options& options)
      : beta1_(static_cast<float>(options.number("beta1"))),
        beta2_(static_cast<float>(options.number("beta2"))),
        weight_decay_(static_cast<float>(options.number("weight_decay"))) {}

  std::vector<std::string> states() const override { return {"m"}; }

  // Called for many ranges at once: each element is updated independently.
  void update(const loom::Update& u) const override {
    const auto rate = static_cast<float>(u.learning_rate), factor = static_cast<float>(u.gradient_factor);
    float* const m = u.states[0];
    for (std::int64_t i = 0; i < u.count; ++i) {
      const float g = factor * u.gradient[i], mean = beta1_ * m[i] + (1 - beta1_) * g;
      const float sign = mean > 0 ? 1.0F : mean < 0 ? -1.0F : 0.0F;
      u.weight[i] -= rate * (sign + weight_decay_ * u.weight[i]);
      m[i] = beta2_ * m[i] + (1 - beta2_) * g;
    }
  }

 private:
  float beta1_, beta2_, weight_decay_;
};

}  // namespace

LOOM_OPTIMIZER(NewName, "new.name")
