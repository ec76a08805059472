// Negative log-likelihood of independent Laplace variables: an absolute error with its constant.
//   loss = sum over the event of |target - mean| / scale + ln(2 scale)     [nats per sample]
#include <cmath>

#include "loom/math.h"
#include "loom/node.h"
#include "math/likelihood.h"

namespace {

namespace math = loom::math;

class LaplaceNll final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Negative log-likelihood of Laplace variables");
    c.role(loom::Role::likelihood);
    c.input("mean", "[N, ...E]", "location");
    c.input("target", "[N, ...E]", "observed values");
    c.output("loss", "[N]", "nats per sample");
    c.option("scale", 1.0, loom::positive(), "mean absolute deviation", "that of the data");
    c.backward_reads({"mean", "target"});
  }
  explicit LaplaceNll(const loom::Options& options) : scale_(options.number("scale")) {}

  void forward(const loom::Forward& f) const override {
    const loom::TensorView mean = f.input("mean"), target = f.input("target");
    const double constant = static_cast<double>(mean.per_sample()) * std::log(2 * scale_);
    for (std::int64_t n = 0; n < f.rows; ++n) {
      const double distance = math::absolute_distance(mean[n].data(), target[n].data(), mean.per_sample());
      f.output("loss")[n][0] = static_cast<float>(distance / scale_ + constant);
    }
  }

  void backward(const loom::Backward& b) const override {
    const loom::TensorView mean = b.input("mean"), target = b.input("target"), diff = b.diff_output("loss");
    for (std::int64_t n = 0; n < b.rows; ++n) {
      const auto factor = static_cast<float>(static_cast<double>(diff[n][0]) / scale_);
      const float *m = mean[n].data(), *t = target[n].data();
      if (b.wants_diff("mean"))
        math::scaled_sign_difference(factor, m, t, b.diff_input("mean")[n].data(), mean.per_sample());
      if (b.wants_diff("target"))
        math::scaled_sign_difference(factor, t, m, b.diff_input("target")[n].data(), mean.per_sample());
    }
  }

 private:
  double scale_;
};
LOOM_NODE(LaplaceNll, "laplace_nll")

}  // namespace
