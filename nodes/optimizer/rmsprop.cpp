// RMSprop, with the formulas and defaults of torch.optim.
//   v = alpha v + (1 - alpha) g^2;  w -= lr g / (sqrt(v) + epsilon)
// With momentum the quotient goes through a velocity; centered subtracts the square of the gradient's mean from v.
// Tieleman and Hinton 2012, lecture 6.5; Graves 2013, arXiv 1308.0850 (centered).
#include "loom/optimizer.h"
#include "math/update.h"

namespace loom::nodes {
namespace {

class Rmsprop final : public Optimizer {
 public:
  static void declare(Contract& c) {
    c.summary("RMSprop, optionally centered and with momentum");
    c.source("Tieleman and Hinton 2012, lecture 6.5; Graves 2013, Generating Sequences With Recurrent Neural Networks");
    c.option("alpha", 0.99, number().at_least(0).at_most(1), "decay of the mean of the squared gradient");
    c.option("epsilon", 1e-8, at_least(0), "added to the denominator");
    c.option("weight_decay", 0.0, at_least(0), "times the weight is added to the gradient");
    c.option("momentum", 0.0, at_least(0), "decay of the velocity; 0: none");
    c.option("centered", false, flag(), "divide by the standard deviation of the gradient");
  }
  explicit Rmsprop(const Options& options) {
    rule_.alpha = options.number("alpha");
    rule_.epsilon = options.number("epsilon");
    rule_.momentum = options.number("momentum");
    rule_.weight_decay = options.number("weight_decay");
    names_ = {"v"};
    if (rule_.momentum != 0) {
      momentum_ = names_.size();
      names_.push_back("momentum");
    }
    if (options.flag("centered")) {
      mean_ = names_.size();
      names_.push_back("mean");
    }
  }
  std::vector<std::string> states() const override { return names_; }
  void update(const Update& u) const override {
    math::RmspropStep step = rule_;
    step.learning_rate = u.learning_rate;
    step.gradient_factor = u.gradient_factor;
    float* velocity = momentum_ == 0 ? nullptr : u.states[momentum_];
    float* mean = mean_ == 0 ? nullptr : u.states[mean_];
    math::rmsprop_update(u.weight, u.gradient, u.states[0], velocity, mean, u.count, step);
  }

 private:
  math::RmspropStep rule_;
  std::vector<std::string> names_;
  std::size_t momentum_ = 0, mean_ = 0;  // index of the state; 0: none
};

}  // namespace

LOOM_OPTIMIZER(Rmsprop, "rmsprop")

}  // namespace loom::nodes
