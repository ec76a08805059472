// Negative log-likelihood of independent Gaussian variables.
//   loss = sum over the event of mask weight (1/2 ((target - mean) / sigma)^2 + ln sigma + 1/2 ln 2 pi)
//                                                                                         [nats per sample]
// sigma: a number; learned: one parameter log_sigma [1]; per_dimension: log_sigma has the shape of the event.
// Rybkin et al. 2021, Simple and Effective VAE Training with Calibrated Decoders (sigma-VAE), section 3.
#include <cmath>
#include <numbers>

#include "loom/math.h"
#include "loom/node.h"
#include "loss/weighted.h"

namespace {

using namespace loom::nodes;
namespace math = loom::math;

class GaussianNll final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Negative log-likelihood of Gaussian variables");
    c.source("Rybkin et al. 2021, Simple and Effective VAE Training with Calibrated Decoders, section 3");
    c.role(loom::Role::likelihood);
    c.input("mean", "[N, ...E]", "mean");
    c.input("target", "[N, ...E]", "observed values");
    loom::Weighting::declare(c);
    c.output("loss", "[N]", "nats per sample");
    c.option("sigma", 1.0, loom::positive().or_text({"learned", "per_dimension"}),
             "standard deviation, or how it is learned", "that of the data");
    c.parameter("log_sigma", "[...S]", loom::zeros(), "natural logarithm of sigma").only_if([](const loom::Options& o) {
      return o.is_text("sigma");
    });
    c.backward_reads({"mean", "target", "mask", "weight"});
  }
  static void infer(loom::ShapeInference& s) {
    const bool each = s.options().is_text("sigma") && s.options().text("sigma") == "per_dimension";
    loom::Weighting::infer(s, "target");
    s.bind_run("S", each ? s.run_extents("E") : std::vector<std::int64_t>{1});
  }
  explicit GaussianNll(const loom::Options& options) : learned_(options.is_text("sigma")) {
    if (learned_)
      each_ = options.text("sigma") == "per_dimension";
    else
      fixed_ = std::log(options.number("sigma"));
  }

  void prepare(const loom::Prepare& p) override {
    const std::int64_t count = p.input("mean").count_from(1);
    weighting_.prepare(p, "target");
    if (each_) precision_ = p.scratch<float>(count);
    if (each_ || p.backward) squares_ = p.scratch<float>(count);
    if (p.backward) slopes_ = p.scratch<float>(count);
  }

  void forward(const loom::Forward& f) const override {
    const loom::TensorView mean = f.input("mean"), target = f.input("target");
    const std::int64_t count = mean.per_sample();
    const Scale scale = scale_of(f, count);
    float* squares = squares_(f).data();
    for (std::int64_t n = 0; n < f.rows; ++n) {
      const std::span<const float> weights = weighting_.row(f, n);
      if (!weights.empty()) {
        f.output("loss")[n][0] = static_cast<float>(weighted_nll(scale, weights, mean[n].data(), target[n].data()));
        continue;
      }
      double distance = 0;
      if (each_) {
        math::scaled_difference(1, mean[n].data(), target[n].data(), squares, count);
        math::multiply(squares, squares, squares, count);
        distance = math::dot(squares, scale.precision, count);
      } else {
        distance = math::squared_distance(mean[n].data(), target[n].data(), count) * scale.single_precision;
      }
      f.output("loss")[n][0] = static_cast<float>(0.5 * distance + scale.constant);
    }
  }

  void backward(const loom::Backward& b) const override {
    const loom::TensorView mean = b.input("mean"), target = b.input("target"), diff = b.diff_output("loss");
    const std::int64_t count = mean.per_sample();
    const Scale scale = scale_of(b, count);
    float *slopes = slopes_(b).data(), *squares = squares_(b).data();
    for (std::int64_t n = 0; n < b.rows; ++n) {
      const float factor = diff[n][0];
      math::scaled_difference(1, mean[n].data(), target[n].data(), squares, count);
      if (each_)
        math::multiply(squares, scale.precision, slopes, count);  // (mean - target) / sigma^2
      else
        math::scale(static_cast<float>(scale.single_precision), squares, slopes, count);
      const std::span<const float> weights = weighting_.row(b, n);
      for (std::size_t i = 0; i < weights.size(); ++i) squares[i] = weights[i] == 0 ? 0.0F : squares[i];
      apply_weights(weights, slopes);
      if (b.wants_diff("mean")) math::scale(factor, slopes, b.diff_input("mean")[n].data(), count);
      if (b.wants_diff("target")) math::scale(-factor, slopes, b.diff_input("target")[n].data(), count);
      if (b.wants_parameter_diff("log_sigma"))
        add_scale_gradient(factor, weights, squares, slopes, b.diff_parameter("log_sigma"), count);
    }
  }

 private:
  struct Scale {
    const float* precision = nullptr;  // 1 / sigma^2 of each dimension
    const float* log_sigma = nullptr;  // and ln sigma
    double single_precision = 1;       // or the common values
    double single_log_sigma = 0;
    double constant = 0;  // sum of ln sigma + 1/2 ln 2 pi
  };

  Scale scale_of(const loom::Call& call, std::int64_t count) const {
    Scale scale;
    const double half_log = kHalfLog;
    if (each_) {
      float* precision = precision_(call).data();
      const float* log_sigma = call.parameter("log_sigma").data();
      math::scale(-2, log_sigma, precision, count);
      math::exp(precision, precision, count);
      scale.precision = precision;
      scale.log_sigma = log_sigma;
      scale.constant = math::sum(log_sigma, count) + static_cast<double>(count) * half_log;
    } else {
      const double log_sigma = learned_ ? static_cast<double>(call.parameter("log_sigma").data()[0]) : fixed_;
      scale.single_log_sigma = log_sigma;
      scale.single_precision = std::exp(-2 * log_sigma);
      scale.constant = static_cast<double>(count) * (log_sigma + half_log);
    }
    return scale;
  }

  double weighted_nll(const Scale& scale, std::span<const float> weights, const float* mean,
                      const float* target) const {
    if (!each_) {
      return 0.5 * weighted_squared_distance(weights, mean, target) * scale.single_precision +
             weight_sum(weights) * (scale.single_log_sigma + kHalfLog);
    }
    const double distance = weighted_sum(weights, [&](std::int64_t first, std::int64_t count, float* out) {
      math::scaled_difference(1, mean + first, target + first, out, count);
      math::multiply(out, out, out, count);
      math::multiply(out, scale.precision + first, out, count);
    });
    const double log_sigmas = math::dot(weights.data(), scale.log_sigma, static_cast<std::int64_t>(weights.size()));
    return 0.5 * distance + log_sigmas + weight_sum(weights) * kHalfLog;
  }

  // d loss / d log_sigma = the weight of a value - slope (mean - target), summed if there is one sigma; the slopes have
  // the weights in them.
  void add_scale_gradient(float factor, std::span<const float> weights, float* differences, const float* slopes,
                          loom::TensorView sum, std::int64_t count) const {
    if (each_) {
      math::multiply(differences, slopes, differences, count);
      math::accumulate(-factor, differences, sum.data(), count);
      if (!weights.empty()) return math::accumulate(factor, weights.data(), sum.data(), count);
      for (float& value : sum.values()) value += factor;
    } else {
      const double values = weights.empty() ? static_cast<double>(count) : weight_sum(weights);
      const double gradient = values - math::dot(differences, slopes, count);
      sum.data()[0] += static_cast<float>(static_cast<double>(factor) * gradient);
    }
  }

  static inline const double kHalfLog = 0.5 * std::log(2 * std::numbers::pi);

  bool learned_, each_ = false;
  double fixed_ = 0;             // ln sigma
  loom::Slot<float> precision_;  // 1 / sigma^2 of each dimension
  loom::Weighting weighting_;
  loom::Slot<float> squares_, slopes_;  // squared differences of an event; their gradient
};
LOOM_NODE(GaussianNll, "gaussian_nll")

}  // namespace
