// Student-t likelihood: unlike a Gaussian, it is robust to outliers.
//   loss = sum over the event of mask weight ((nu + 1)/2 ln(1 + ((target - mean)/sigma)^2 / nu) + ln Z)
//                                                                                         [nats per sample]
//   Z    = sqrt(nu pi) sigma Gamma(nu/2) / Gamma((nu + 1)/2)
#include <loom/node.h>

#include <cmath>
#include <numbers>

namespace {

class StudentTNll final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Negative log-likelihood of a Student-t distribution").role(loom::Role::likelihood);
    c.input("mean", "[N, ...E]", "location");
    c.input("target", "[N, ...E]", "observed values").no_gradient();
    loom::Weighting::declare(c);
    c.output("loss", "[N]", "nats per sample");
    c.option("nu", 3.0, loom::at_least(1), "degrees of freedom");
    c.option("sigma", 1.0, loom::positive(), "scale, in the unit of the data");
    c.mean("mean");
  }

  static void infer(loom::ShapeInference& s) { loom::Weighting::infer(s, "target"); }
  explicit StudentTNll(const loom::Options& o) : nu_(o.number("nu")), sigma_(o.number("sigma")) {
    log_z_ =
        0.5 * std::log(nu_ * std::numbers::pi) + std::log(sigma_) + std::lgamma(nu_ / 2) - std::lgamma((nu_ + 1) / 2);
  }

  void prepare(const loom::Prepare& p) override { weighting_.prepare(p, "target"); }

  void forward(const loom::Forward& f) const override {  // called for a shard: some samples of the batch
    const auto mean = f.input("mean"), target = f.input("target");
    loom::for_each_row(f.output("loss"), [&](std::int64_t n) {
      return loom::weighted_sum_of(weighting_.row(f, n), mean[n], target[n], [&](double m, double t) {
        const double r = (t - m) / sigma_;
        return log_z_ + (nu_ + 1) / 2 * std::log1p(r * r / nu_);
      });
    });
  }

  void backward(const loom::Backward& b) const override {  // writes diff mean = diff loss * dloss/dmean
    const auto mean = b.input("mean"), target = b.input("target"), diff = b.diff_input("mean");
    for (std::int64_t n = 0; n < mean.samples(); ++n) {
      const double above = b.diff_output("loss")[n][0];
      loom::weighted_transform(weighting_.row(b, n), mean[n], target[n], diff[n], [&](double m, double t) {
        const double r = (t - m) / sigma_;
        return -above * (nu_ + 1) * r / (sigma_ * (nu_ + r * r));
      });
    }
  }

 private:
  double nu_, sigma_, log_z_;
  loom::Weighting weighting_;
};

}  // namespace

LOOM_NODE(StudentTNll, "student_t_nll")
