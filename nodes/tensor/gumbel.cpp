// Draws from the Gumbel distribution: location - scale ln(-ln u), u uniform in (0, 1). The largest of logits to which such
// values are added is a draw from their softmax.
#include <cmath>

#include "tensor/draws.h"

namespace {

class GumbelDraws {
 public:
  static constexpr bool kNormal = false;

  static void declare(loom::Contract& c) {
    c.summary("Draws from a Gumbel distribution");
    c.output("y", "[N, ...E]", "independent values").no_gradient();
    c.option("location", 0.0, loom::number(), "the mode");
    c.option("scale", 1.0, loom::positive(), "the scale; the standard deviation is pi / sqrt(6) times it");
  }
  explicit GumbelDraws(const loom::Options& o) : location_(o.number("location")), scale_(o.number("scale")) {}

  void draw(std::span<float> values) const {
    for (float& value : values) {
      // A multiple of 2^-24: half a step keeps it inside (0, 1).
      const double u = static_cast<double>(value) * (1 - 0x1p-24) + 0x1p-25;
      value = static_cast<float>(location_ - scale_ * std::log(-std::log(u)));
    }
  }

 private:
  double location_, scale_;
};

using GumbelNode = loom::nodes::Draws<GumbelDraws>;
LOOM_NODE(GumbelNode, "gumbel")

}  // namespace
