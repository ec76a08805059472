// Huber's loss: quadratic near the target, linear far from it, so that outliers pull with a bounded force.
//   loss = sum over the event of  r^2 / 2                    if |r| <= delta,      r = mean - target
//                                 delta (|r| - delta / 2)    otherwise
//   d loss / d mean = clamp(r, -delta, delta)
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
    c.output("loss", "[N]", "summed over the event, per sample");
    c.option("delta", 1.0, loom::positive(), "distance at which the linear part begins", "that of the data");
  }

  explicit NewName(const loom::Options& options) : delta_(options.number("delta")) {}

  void forward(const loom::Forward& f) const override {
    const auto mean = f.input("mean"), target = f.input("target");
    loom::for_each_row(f.output("loss"), [&](std::int64_t n) {
      return loom::sum_of(mean[n], target[n], [&](double m, double t) { return loss(m - t); });
    });
  }

  void backward(const loom::Backward& b) const override {
    if (!b.wants_diff("mean")) return;
    const auto mean = b.input("mean"), target = b.input("target"), diff = b.diff_input("mean");
    const auto above = b.diff_output("loss").values();
    for (std::int64_t n = 0; n < mean.samples(); ++n) {
      const double factor = above[static_cast<std::size_t>(n)];
      loom::transform(mean[n], target[n], diff[n],
                      [&](double m, double t) { return factor * std::clamp(m - t, -delta_, delta_); });
    }
  }

 private:
  double loss(double r) const {
    const double size = std::abs(r);
    return size <= delta_ ? r * r / 2 : delta_ * (size - delta_ / 2);
  }

  double delta_;
};

}  // namespace

LOOM_NODE(NewName, "new.name")
