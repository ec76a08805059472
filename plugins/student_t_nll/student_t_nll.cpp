// Student-t likelihood: robust to outliers where a Gaussian is not.
//   loss = sum over the event of (nu + 1)/2 ln(1 + ((target - mean)/sigma)^2 / nu) + ln Z     [nats per sample]
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
    c.output("loss", "[N]", "nats per sample");
    c.option("nu", 3.0, loom::at_least(1), "degrees of freedom");
    c.option("sigma", 1.0, loom::positive(), "scale, in the unit of the data");
  }

  explicit StudentTNll(const loom::Options& o) : nu_(o.number("nu")), sigma_(o.number("sigma")) {
    log_z_ =
        0.5 * std::log(nu_ * std::numbers::pi) + std::log(sigma_) + std::lgamma(nu_ / 2) - std::lgamma((nu_ + 1) / 2);
  }

  void forward(const loom::Forward& f) const override {  // called for a shard: f.samples of the batch
    const auto mean = f.input("mean"), target = f.input("target");
    for (std::int64_t n = 0; n < f.samples; ++n) {
      double sum = log_z_ * static_cast<double>(mean.per_sample());
      for (std::size_t i = 0; i < mean[n].size(); ++i) {
        const double r = (target[n][i] - mean[n][i]) / sigma_;
        sum += (nu_ + 1) / 2 * std::log1p(r * r / nu_);
      }
      f.output("loss").values()[static_cast<std::size_t>(n)] = static_cast<float>(sum);
    }
  }

  void backward(const loom::Backward& b) const override {  // writes diff mean = diff loss * dloss/dmean
    const auto mean = b.input("mean"), target = b.input("target"), diff = b.diff_input("mean");
    for (std::int64_t n = 0; n < b.samples; ++n) {
      const double upstream = b.diff_output("loss").values()[static_cast<std::size_t>(n)];
      for (std::size_t i = 0; i < mean[n].size(); ++i) {
        const double r = (target[n][i] - mean[n][i]) / sigma_;
        diff[n][i] = static_cast<float>(-upstream * (nu_ + 1) * r / (sigma_ * (nu_ + r * r)));
      }
    }
  }

 private:
  double nu_, sigma_, log_z_;
};

}  // namespace

LOOM_NODE(StudentTNll, "student_t_nll")
