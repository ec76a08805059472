// Adamax, with the formulas and defaults of torch.optim.
//   m += (1 - beta1) (g - m),  u = max(beta2 u, |g| + epsilon)
//   w -= lr / (1 - beta1^t) m / u
// Kingma and Ba 2015, Adam, section 7.1.
#include <cmath>

#include "loom/optimizer.h"
#include "math/update.h"

namespace loom::nodes {
namespace {

class Adamax final : public Optimizer {
 public:
  static void declare(Contract& c) {
    c.summary("Adamax: Adam with the infinity norm");
    c.source("Kingma and Ba 2015, Adam: A Method for Stochastic Optimization, section 7.1");
    c.option("beta1", 0.9, number().at_least(0).below(1), "decay of the mean of the gradient");
    c.option("beta2", 0.999, number().at_least(0).below(1), "decay of the largest gradient");
    c.option("epsilon", 1e-8, at_least(0), "added to the absolute value of the gradient");
    c.option("weight_decay", 0.0, at_least(0), "times the weight is added to the gradient");
  }
  explicit Adamax(const Options& options) {
    rule_.beta1 = options.number("beta1");
    rule_.beta2 = options.number("beta2");
    rule_.epsilon = options.number("epsilon");
    rule_.weight_decay = options.number("weight_decay");
  }
  std::vector<std::string> states() const override { return {"m", "u"}; }
  void update(const Update& u) const override {
    math::AdamStep step = rule_;
    step.learning_rate = u.learning_rate;
    step.gradient_factor = u.gradient_factor;
    step.correction1 = 1 - std::pow(step.beta1, static_cast<double>(u.step));
    math::adamax_update(u.weight, u.gradient, u.states[0], u.states[1], u.count, step);
  }

 private:
  math::AdamStep rule_;
};

}  // namespace

LOOM_OPTIMIZER(Adamax, "adamax")

}  // namespace loom::nodes
