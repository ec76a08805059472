// The gradient of a port by a port that it is computed from.
//   gradient [N, ...A] = d (sum of `of` over the batch and the event) / d `at`,   at [N, ...A]
// Of nodes that work per sample, row n is the gradient of the sample's own values. It is a value like any other: a loss that
// reads it is differentiated again, as the gradient penalty of WGAN-GP needs it (Gulrajani et al. 2017).
#include "loom/error.h"
#include "loom/node.h"

namespace {

class Gradient final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("The gradient of one port by another one");
    c.role(loom::Role::gradient);
    c.input("of", "[N, ...V]", "what is differentiated: the sum of its values, such as a loss or a critic's score")
        .no_gradient();
    c.input("at", "[N, ...A]", "the values by which it is differentiated, from which `of` is computed").no_gradient();
    c.output("gradient", "[N, ...A]", "d sum(of) / d at");
    c.option("stop", false, loom::flag(), "no gradient flows back through it; nodes need no second derivative then");
  }
  static void infer(loom::ShapeInference& s) { s.output("gradient", s.input("at")); }
  explicit Gradient(const loom::Options&) {}
  // The host computes it with the derivatives of the nodes between the two ports.
  void forward(const loom::Forward&) const override {
    throw loom::Error(loom::ErrorCode::not_supported, "a gradient is computed as a part of a graph");
  }
};
LOOM_NODE(Gradient, "gradient")

}  // namespace
