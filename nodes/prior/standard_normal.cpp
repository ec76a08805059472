// The prior p(z) = N(0, I): fresh draws for every sample.
//   y [N, shape...]
#include "graph/registry.h"

namespace {

class StandardNormal final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Draws from the prior N(0, I)");
    c.role(loom::Role::prior);
    c.output("y", "[N, ...E]", "standard normal values").no_gradient();
    c.option("shape", loom::required, loom::integer_list().at_least(1), "extents of one sample, without the batch");
    c.stochastic();
  }
  static void infer(loom::ShapeInference& s) { s.bind_run("E", s.options().integers("shape")); }
  explicit StandardNormal(const loom::Options&) {}

  void forward(const loom::Forward& f) const override {
    for (std::int64_t n = 0; n < f.rows; ++n) f.normal(n, f.output("y")[n]);
  }
  void backward(const loom::Backward&) const override {}  // no inputs
};
LOOM_NODE(StandardNormal, "standard_normal")

}  // namespace
