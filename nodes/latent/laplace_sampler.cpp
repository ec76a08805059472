// Draws from independent Laplace variables: what laplace_nll with the same scale is the density of.
//   y = mean - scale sign(v) ln(1 - 2 |v|),   v uniform in [-1/2, 1/2);   all [N, ...E]
#include <cmath>

#include "loom/node.h"

namespace {

class LaplaceSampler final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Draws from independent Laplace variables");
    c.input("mean", "[N, ...E]", "location").no_gradient();
    c.output("y", "[N, ...E]", "the draw").no_gradient();
    c.option("scale", 1.0, loom::positive(), "mean absolute deviation", "that of the data");
    c.stochastic();
    c.pointwise();
    c.backward_reads({});
  }
  explicit LaplaceSampler(const loom::Options& options) : scale_(options.number("scale")) {}

  void prepare(const loom::Prepare& p) override { uniform_ = p.scratch<float>(p.output(0).count_from(1)); }

  void forward(const loom::Forward& f) const override {
    const loom::TensorView mean = f.input("mean"), y = f.output("y");
    const std::span<float> uniform = uniform_(f);
    for (std::int64_t n = 0; n < f.rows; ++n) {
      f.uniform(n, uniform);
      for (std::size_t i = 0; i < uniform.size(); ++i) {
        const double v = static_cast<double>(uniform[i]) - 0.5;
        // u = 0 has the probability 2^-24 or less, and would be infinitely far away.
        const double distance = -scale_ * std::log(std::max(1 - 2 * std::abs(v), 0x1p-25));
        y[n][i] = static_cast<float>(static_cast<double>(mean[n][i]) + std::copysign(distance, v));
      }
    }
  }
  void backward(const loom::Backward&) const override {}  // no gradient

 private:
  double scale_;
  loom::Slot<float> uniform_;  // a draw for each value of an event
};
LOOM_NODE(LaplaceSampler, "laplace_sampler")

}  // namespace
