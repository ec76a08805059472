// Draws from independent Bernoulli variables, such as the pixels of a decoder with a Bernoulli likelihood.
//   y = 1 with probability sigmoid(logits), else 0;   all [N, ...E]; NaN of NaN
#include <cmath>

#include "loom/math.h"
#include "loom/node.h"

namespace {

class BernoulliSampler final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Draws from independent Bernoulli variables");
    c.input("logits", "[N, ...E]", "log-odds of 1").no_gradient();
    c.output("y", "[N, ...E]", "zeros and ones").no_gradient();
    c.stochastic();
    c.pointwise();
    c.backward_reads({});
  }
  explicit BernoulliSampler(const loom::Options&) {}

  void prepare(const loom::Prepare& p) override { uniform_ = p.scratch<float>(p.output(0).count_from(1)); }

  void forward(const loom::Forward& f) const override {
    const loom::TensorView logits = f.input(0), y = f.output(0);
    const std::span<float> uniform = uniform_(f);
    for (std::int64_t n = 0; n < f.rows; ++n) {
      const std::span<float> event = y[n];
      loom::math::sigmoid(logits[n].data(), event.data(), y.per_sample());
      f.uniform(n, uniform);
      for (std::size_t i = 0; i < event.size(); ++i) {
        if (!std::isnan(event[i])) event[i] = uniform[i] < event[i] ? 1.0F : 0.0F;
      }
    }
  }
  void backward(const loom::Backward&) const override {}  // no gradient

 private:
  loom::Slot<float> uniform_;  // a draw for each value of an event
};
LOOM_NODE(BernoulliSampler, "bernoulli_sampler")

}  // namespace
