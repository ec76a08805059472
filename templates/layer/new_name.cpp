// A periodic activation with a frequency that each channel learns.
//   y = x + sin^2(a x) / a,   a = e^log_frequency [C]
//   dy/dx = 1 + sin(2 a x),   dy/dlog_frequency = x sin(2 a x) - sin^2(a x) / a
// Ziyin et al. 2020, Neural Networks Fail to Learn Periodic Functions and How to Fix It, equation 3.
#include <loom/node.h>

#include <cmath>

namespace {

class NewName final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("A periodic activation with a learned frequency of each channel");
    c.source("Ziyin et al. 2020, Neural Networks Fail to Learn Periodic Functions and How to Fix It, equation 3");
    c.input("x", "[N, ...E, C]", "values, channels last");
    c.output("y", "[N, ...E, C]", "x + sin^2(a x) / a");
    c.parameter("log_frequency", "[C]", loom::zeros(), "natural logarithm of a");
    c.pointwise();
    c.backward_reads({"x"});
  }

  explicit NewName(const loom::Options&) {}

  void forward(const loom::Forward& f) const override {
    const auto x = f.input("x").values(), y = f.output("y").values(), log_a = f.parameter("log_frequency").values();
    for (std::size_t i = 0; i < x.size(); ++i) {
      const float a = std::exp(log_a[i % log_a.size()]), s = std::sin(a * x[i]);
      y[i] = x[i] + s * s / a;
    }
  }

  void backward(const loom::Backward& b) const override {
    const auto x = b.input("x").values(), above = b.diff_output("y").values();
    const auto log_a = b.parameter("log_frequency").values();
    const auto below = b.wants_diff("x") ? b.diff_input("x").values() : std::span<float>();
    const auto sums =
        b.wants_parameter_diff("log_frequency") ? b.diff_parameter("log_frequency").values() : std::span<float>();
    for (std::size_t i = 0; i < x.size(); ++i) {
      const float a = std::exp(log_a[i % log_a.size()]), s = std::sin(a * x[i]), slope = std::sin(2 * a * x[i]);
      if (!below.empty()) below[i] = above[i] * (1 + slope);                              // written
      if (!sums.empty()) sums[i % sums.size()] += above[i] * (x[i] * slope - s * s / a);  // added to
    }
  }
};

}  // namespace

LOOM_NODE(NewName, "new.name")
