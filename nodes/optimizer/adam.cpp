// Adam and AdamW, with the formulas and defaults of torch.optim.
//   m += (1 - beta1) (g - m),  v = beta2 v + (1 - beta2) g^2
//   w -= lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
// Adam adds weight_decay w to the gradient; AdamW multiplies the weight by 1 - lr weight_decay instead.
// Kingma and Ba 2015, Adam; Loshchilov and Hutter 2019, Decoupled Weight Decay Regularization.
#include <cmath>

#include "loom/optimizer.h"
#include "math/update.h"

namespace loom::nodes {
namespace {

template <bool decoupled>
class AdamRule : public Optimizer {
 public:
  static void declare(Contract& c) {
    c.summary(decoupled ? "Adam with decoupled weight decay" : "Adam");
    c.source(decoupled ? "Loshchilov and Hutter 2019, Decoupled Weight Decay Regularization, algorithm 2"
                       : "Kingma and Ba 2015, Adam: A Method for Stochastic Optimization, algorithm 1");
    c.option("beta1", 0.9, number().at_least(0).below(1), "decay of the mean of the gradient");
    c.option("beta2", 0.999, number().at_least(0).below(1), "decay of the mean of its square");
    c.option("epsilon", 1e-8, at_least(0), "added to the denominator");
    c.option("weight_decay", decoupled ? 0.01 : 0.0, at_least(0),
             decoupled ? "shrinks the weight by 1 - lr weight_decay" : "times the weight is added to the gradient");
  }
  explicit AdamRule(const Options& options) {
    rule_.beta1 = options.number("beta1");
    rule_.beta2 = options.number("beta2");
    rule_.epsilon = options.number("epsilon");
    rule_.weight_decay = options.number("weight_decay");
    rule_.decoupled = decoupled;
  }
  std::vector<std::string> states() const override { return {"m", "v"}; }
  void update(const Update& u) const override {
    math::AdamStep step = rule_;
    step.learning_rate = u.learning_rate;
    step.gradient_factor = u.gradient_factor;
    step.correction1 = 1 - std::pow(step.beta1, static_cast<double>(u.step));
    step.correction2 = 1 - std::pow(step.beta2, static_cast<double>(u.step));
    math::adam_update(u.weight, u.gradient, u.states[0], u.states[1], u.count, step);
  }

 private:
  math::AdamStep rule_;
};

using Adam = AdamRule<false>;
using AdamW = AdamRule<true>;

}  // namespace

LOOM_OPTIMIZER(Adam, "adam")
LOOM_OPTIMIZER(AdamW, "adamw")

}  // namespace loom::nodes
