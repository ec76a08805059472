// Draws from N(mean, std^2).
#include "tensor/draws.h"

namespace {

class NormalDraws {
 public:
  static constexpr bool kNormal = true;

  static void declare(loom::Contract& c) {
    c.summary("Draws from a normal distribution");
    c.output("y", "[N, ...E]", "independent values").no_gradient();
    c.option("mean", 0.0, loom::number(), "the mean");
    c.option("std", 1.0, loom::at_least(0), "the standard deviation");
  }
  explicit NormalDraws(const loom::Options& o)
      : mean_(static_cast<float>(o.number("mean"))), std_(static_cast<float>(o.number("std"))) {}

  void draw(std::span<float> values) const {
    for (float& value : values) value = mean_ + std_ * value;
  }

 private:
  float mean_, std_;
};

using NormalNode = loom::nodes::Draws<NormalDraws>;
LOOM_NODE(NormalNode, "normal")

}  // namespace
