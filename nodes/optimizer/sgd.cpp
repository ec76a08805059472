// Stochastic gradient descent, with the formulas and defaults of torch.optim.
//   velocity = momentum velocity + (1 - dampening) g   (in the first step: velocity = g)
//   w -= lr velocity;  with nesterov: w -= lr (g + momentum velocity)
// Sutskever et al. 2013, On the importance of initialization and momentum in deep learning.
#include "loom/optimizer.h"
#include "math/update.h"

namespace loom::nodes {
namespace {

class Sgd final : public Optimizer {
 public:
  static void declare(Contract& c) {
    c.summary("Stochastic gradient descent, optionally with momentum");
    c.source("Sutskever et al. 2013, On the importance of initialization and momentum in deep learning");
    c.option("momentum", 0.0, at_least(0), "decay of the velocity; 0: none");
    c.option("dampening", 0.0, at_least(0), "reduces the part of the gradient in the velocity");
    c.option("weight_decay", 0.0, at_least(0), "times the weight is added to the gradient");
    c.option("nesterov", false, flag(), "looks ahead; needs a momentum above 0 and no dampening");
    c.rule({"nesterov"}, "`nesterov` needs a momentum above 0 and no dampening", "momentum: 0.9, nesterov: true",
           [](const Options& o) {
             return !o.flag("nesterov") || (o.number("momentum") > 0 && o.number("dampening") == 0);
           });
  }
  explicit Sgd(const Options& options) {
    rule_.momentum = options.number("momentum");
    rule_.dampening = options.number("dampening");
    rule_.weight_decay = options.number("weight_decay");
    rule_.nesterov = options.flag("nesterov");
  }
  std::vector<std::string> states() const override {
    return rule_.momentum != 0 ? std::vector<std::string>{"momentum"} : std::vector<std::string>{};
  }
  void update(const Update& u) const override {
    math::SgdStep step = rule_;
    step.learning_rate = u.learning_rate;
    step.gradient_factor = u.gradient_factor;
    step.first = u.step == 1;
    math::sgd_update(u.weight, u.gradient, u.states.empty() ? nullptr : u.states[0], u.count, step);
  }

 private:
  math::SgdStep rule_;
};

}  // namespace

LOOM_OPTIMIZER(Sgd, "sgd")

}  // namespace loom::nodes
