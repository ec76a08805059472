// Draws 1 with a fixed probability, otherwise 0: a mask. For probabilities that a model computes: bernoulli_sampler.
#include "tensor/draws.h"

namespace {

class BernoulliDraws {
 public:
  static constexpr bool kNormal = false;

  static void declare(loom::Contract& c) {
    c.summary("Draws 1 with a fixed probability, otherwise 0");
    c.output("y", "[N, ...E]", "independent values, 0 or 1").no_gradient();
    c.option("probability", 0.5, loom::at_least(0).at_most(1), "that a value is 1");
  }
  explicit BernoulliDraws(const loom::Options& o) : probability_(o.number("probability")) {}

  void draw(std::span<float> values) const {
    for (float& value : values) value = static_cast<double>(value) < probability_ ? 1.0F : 0.0F;
  }

 private:
  double probability_;
};

using BernoulliNode = loom::nodes::Draws<BernoulliDraws>;
LOOM_NODE(BernoulliNode, "bernoulli")

}  // namespace
