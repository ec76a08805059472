// Dropout: in training each value is 0 with probability rate, otherwise divided by 1 - rate; in evaluation y = x.
// Srivastava et al. 2014, Dropout.
#include <algorithm>

#include "loom/math.h"
#include "loom/node.h"

namespace {

class Dropout final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Sets random values to zero in training");
    c.source("Srivastava et al. 2014, Dropout: A Simple Way to Prevent Neural Networks from Overfitting");
    c.input("x", "[N, ...E]", "values");
    c.output("y", "[N, ...E]", "the values that are kept, divided by 1 - rate");
    c.option("rate", 0.5, loom::at_least(0).below(1), "probability that a value is dropped");
    c.stochastic_in_training();
    c.pointwise();
    c.backward_reads({});
    c.linear();
  }
  explicit Dropout(const loom::Options& options) : rate_(static_cast<float>(options.number("rate"))) {}

  void prepare(const loom::Prepare& p) override {
    if (!p.training) return;
    const std::int64_t count = p.input(0).count();
    factors_ = p.backward ? p.saved<float>(count) : p.scratch<float>(count);
  }

  void forward(const loom::Forward& f) const override {
    const loom::TensorView x = f.input(0), y = f.output(0);
    if (!f.training) {
      std::ranges::copy(x.values(), y.data());
      return;
    }
    float* factors = factors_(f).data();
    for (std::int64_t n = 0; n < f.rows; ++n) {
      f.uniform(n, {factors + n * x.per_sample(), static_cast<std::size_t>(x.per_sample())});
    }
    const float kept = 1 / (1 - rate_);
    for (std::int64_t i = 0; i < x.count(); ++i) factors[i] = factors[i] < rate_ ? 0 : kept;
    loom::math::multiply(x.data(), factors, y.data(), x.count());
  }

  void backward(const loom::Backward& b) const override {
    if (!b.wants_diff(0)) return;
    const loom::TensorView diff_y = b.diff_output(0), diff_x = b.diff_input(0);
    if (b.training)
      loom::math::multiply(diff_y.data(), factors_(b).data(), diff_x.data(), diff_y.count());
    else
      std::ranges::copy(diff_y.values(), diff_x.data());
  }

 private:
  float rate_;
  loom::Slot<float> factors_;
};
LOOM_NODE(Dropout, "dropout")

}  // namespace
