// Draws from U(low, high).
#include <algorithm>
#include <cmath>

#include "tensor/draws.h"

namespace {

class UniformDraws {
 public:
  static constexpr bool kNormal = false;

  static void declare(loom::Contract& c) {
    c.summary("Draws from a uniform distribution");
    c.output("y", "[N, ...E]", "independent values from low to high").no_gradient();
    c.option("low", 0.0, loom::number(), "the smallest value");
    c.option("high", 1.0, loom::number(), "the limit, which is not reached itself");
    c.rule({"low", "high"}, "`low` must be less than `high`", "low < high",
           [](const loom::Options& o) { return o.number("low") < o.number("high"); });
  }
  explicit UniformDraws(const loom::Options& o) : low_(o.number("low")), high_(o.number("high")) {}

  void draw(std::span<float> values) const {
    if (low_ == 0 && high_ == 1) return;
    const auto below = std::nextafter(static_cast<float>(high_), static_cast<float>(low_));
    for (float& value : values)
      value = std::min(below, static_cast<float>(low_ + (high_ - low_) * static_cast<double>(value)));
  }

 private:
  double low_, high_;
};

using UniformNode = loom::nodes::Draws<UniformDraws>;
LOOM_NODE(UniformNode, "uniform")

}  // namespace
