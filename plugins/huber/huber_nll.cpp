// Huber likelihood: Gaussian near the mean, exponential tails, so that outliers pull with a bounded force.
//   r    = (target - mean) / sigma
//   rho  = r^2 / 2 if |r| <= delta, otherwise delta (|r| - delta / 2)
//   loss = sum over the event of mask weight (rho(r) + ln sigma + ln Z)                       [nats per sample]
//   Z    = sqrt(2 pi) erf(delta / sqrt 2) + 2 / delta e^(-delta^2 / 2), the integral of e^-rho
// With Z and sigma, this is -ln of a density: it can be compared with other likelihoods, and sigma can be learned.
// Huber 1964, Robust Estimation of a Location Parameter, Annals of Mathematical Statistics 35.
#include <loom/node.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace {

class HuberNll final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Negative log-likelihood of a Huber density").role(loom::Role::likelihood);
    c.source("Huber 1964, Robust Estimation of a Location Parameter");
    c.input("mean", "[N, ...E]", "location");
    c.input("target", "[N, ...E]", "observed values").no_gradient();
    loom::Weighting::declare(c);
    c.output("loss", "[N]", "nats per sample");
    c.option("delta", 1.345, loom::positive(), "distance at which the tails begin, in units of sigma");
    c.option("sigma", 1.0, loom::positive().or_text({"learned"}), "scale, in the unit of the data, or learned");
    c.parameter("log_sigma", "[1]", loom::zeros(), "natural logarithm of sigma").only_if([](const loom::Options& o) {
      return o.is_text("sigma");
    });
    c.mean("mean");
    c.backward_reads({"mean", "target", "mask", "weight"});
  }
  static void infer(loom::ShapeInference& s) { loom::Weighting::infer(s, "target"); }

  explicit HuberNll(const loom::Options& o)
      : delta_(o.number("delta")), log_sigma_(o.is_text("sigma") ? 0 : std::log(o.number("sigma"))) {
    const double middle = std::sqrt(2 * std::numbers::pi) * std::erf(delta_ / std::numbers::sqrt2);
    log_z_ = std::log(middle + 2 / delta_ * std::exp(-0.5 * delta_ * delta_));
  }

  void prepare(const loom::Prepare& p) override { weighting_.prepare(p, "target"); }

  void forward(const loom::Forward& f) const override {
    const auto mean = f.input("mean"), target = f.input("target");
    const double log_sigma = log_sigma_of(f), precision = std::exp(-log_sigma);
    for (std::int64_t n = 0; n < f.rows; ++n) {
      const auto weights = weighting_.row(f, n);
      double sum = values_of(weights, mean.per_sample()) * (log_sigma + log_z_);
      for (std::size_t i = 0; i < mean[n].size(); ++i) {
        const double weight = weights.empty() ? 1 : static_cast<double>(weights[i]);
        if (weight == 0) continue;  // the target may be anything
        const double r = std::abs(target[n][i] - mean[n][i]) * precision;
        sum += weight * (r <= delta_ ? 0.5 * r * r : delta_ * (r - 0.5 * delta_));
      }
      f.output("loss")[n][0] = static_cast<float>(sum);
    }
  }

  // d rho / d mean = -clamp(r) / sigma,   d rho / d ln sigma = -r clamp(r), clamped to +- delta
  void backward(const loom::Backward& b) const override {
    const auto mean = b.input("mean"), target = b.input("target"), diff = b.diff_input("mean");
    const double precision = std::exp(-log_sigma_of(b));
    double by_log_sigma = 0;
    for (std::int64_t n = 0; n < b.rows; ++n) {
      const double upstream = b.diff_output("loss")[n][0];
      const auto weights = weighting_.row(b, n);
      double sum = values_of(weights, mean.per_sample());
      for (std::size_t i = 0; i < mean[n].size(); ++i) {
        const double weight = weights.empty() ? 1 : static_cast<double>(weights[i]);
        const double r = weight == 0 ? 0 : (target[n][i] - mean[n][i]) * precision;
        const double force = std::clamp(r, -delta_, delta_);
        if (!diff.empty()) diff[n][i] = static_cast<float>(-upstream * weight * force * precision);
        sum -= weight * r * force;
      }
      by_log_sigma += upstream * sum;
    }
    if (b.wants_parameter_diff("log_sigma"))
      b.diff_parameter("log_sigma").values()[0] += static_cast<float>(by_log_sigma);
  }

 private:
  // How many values of a sample count.
  static double values_of(std::span<const float> weights, std::int64_t all) {
    return weights.empty() ? static_cast<double>(all)
                           : loom::math::sum(weights.data(), static_cast<std::int64_t>(weights.size()));
  }
  double log_sigma_of(const loom::Call& call) const {
    return call.has_parameter("log_sigma") ? call.parameter("log_sigma").values()[0] : log_sigma_;
  }

  double delta_, log_sigma_, log_z_ = 0;
  loom::Weighting weighting_;
};

}  // namespace

LOOM_NODE(HuberNll, "huber_nll")
