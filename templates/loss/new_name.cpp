// Huber's loss: quadratic near the target, linear far from it, so that outliers pull with a bounded force.
//   loss = sum over the event of  r^2 / 2                    if |r| <= delta,      r = mean - target
//                                 delta (|r| - delta / 2)    otherwise
//   d loss / d mean = clamp(r, -delta, delta)
// each value times its mask and weight, where they are connected.
// Huber 1964, Robust Estimation of a Location Parameter.
#include <loom/node.h>

#include <algorithm>
#include <cmath>

namespace {

class NewName final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Huber's loss: quadratic near the target, linear far from it");
    c.source("Huber 1964, Robust Estimation of a Location Parameter");
    c.input("mean", "[N, ...E]", "prediction");
    c.input("target", "[N, ...E]", "observed values").no_gradient();
    loom::Weighting::declare(c);
    c.output("loss", "[N]", "summed over the event, per sample");
    c.option("delta", 1.0, loom::positive(), "distance at which the linear part begins", "that of the data");
  }

  static void infer(loom::ShapeInference& s) { loom::Weighting::infer(s, "target"); }

  explicit NewName(const loom::Options& options) : delta_(options.number("delta")) {}

  void prepare(const loom::Prepare& p) override { weighting_.prepare(p, "target"); }

  void forward(const loom::Forward& f) const override {
    const auto mean = f.input("mean"), target = f.input("target");
    loom::for_each_row(f.output("loss"), [&](std::int64_t n) {
      return loom::weighted_sum_of(weighting_.row(f, n), mean[n], target[n],
                                   [&](double m, double t) { return loss(m - t); });
    });
  }

  void backward(const loom::Backward& b) const override {
    if (!b.wants_diff("mean")) return;
    const auto mean = b.input("mean"), target = b.input("target"), diff = b.diff_input("mean");
    const auto above = b.diff_output("loss").values();
    for (std::int64_t n = 0; n < mean.samples(); ++n) {
      const double factor = above[static_cast<std::size_t>(n)];
      loom::weighted_transform(weighting_.row(b, n), mean[n], target[n], diff[n],
                               [&](double m, double t) { return factor * std::clamp(m - t, -delta_, delta_); });
    }
  }

 private:
  double loss(double r) const { return std::abs(r) <= delta_ ? r * r / 2 : delta_ * (std::abs(r) - delta_ / 2); }

  double delta_;
  loom::Weighting weighting_;
};

}  // namespace

LOOM_NODE(NewName, "new.name")
