// Negative log-likelihood of independent Gaussian variables.
//   loss = sum over the event of mask weight (1/2 ((target - mean) / sigma)^2 + ln sigma + 1/2 ln 2 pi)
//                                                                                         [nats per sample]
// sigma: a number; learned: one parameter log_sigma [1]; per_dimension: log_sigma has the shape of the event; or the
// input logvar: sigma^2 = e^logvar, of each value (a decoder that gives its variance).
//   optimal: in training sigma^2 = the weighted mean of (target - mean)^2 over the batch, which minimizes its loss, at
//   least min_sigma^2; the gradient passes through it. Evaluation uses the moving average of sigma^2, so that the
//   likelihood of an item does not depend on the others.
// Rybkin et al. 2021, Simple and Effective VAE Training with Calibrated Decoders (sigma-VAE), sections 3 and 4.
#include "loss/gaussian_scale.h"

namespace {

using namespace loom::nodes;
namespace math = loom::math;

class GaussianNll final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Negative log-likelihood of Gaussian variables");
    c.source("Rybkin et al. 2021, Simple and Effective VAE Training with Calibrated Decoders, sections 3 and 4");
    c.role(loom::Role::likelihood);
    c.input("mean", "[N, ...E]", "mean");
    c.input("target", "[N, ...E]", "observed values");
    c.input("logvar", "[N, ...E]", "natural logarithm of the variance of each value, in place of sigma").optional();
    loom::Weighting::declare(c);
    c.output("loss", "[N]", "nats per sample");
    c.output("sigma", "[N, ...E]", "the standard deviation of each value");
    GaussianScale::declare(c);
    c.mean("mean");
    c.drawn_by({.type = "gaussian_likelihood_sampler",
                .inputs = {{"mean", "mean"}, {"logvar", "logvar"}},
                .same_options = {"sigma"},
                .same_weights = true});
    c.backward_reads({"mean", "target", "logvar", "mask", "weight", "sigma"});
  }
  static void infer(loom::ShapeInference& s) {
    loom::Weighting::infer(s, "target");
    GaussianScale::infer(s);
  }
  explicit GaussianNll(const loom::Options& options) : scale_(options) {}

  void prepare(const loom::Prepare& p) override {
    const std::int64_t count = p.input("mean").count_from(1);
    weighting_.prepare(p, "target");
    scale_.prepare(p, count);
    squares_ = p.scratch<float>(count);
    if (p.backward) slopes_ = p.scratch<float>(count);
  }

  void forward(const loom::Forward& f) const override {
    const loom::TensorView mean = f.input("mean"), target = f.input("target");
    const auto scale = scale_.common(f, [&] { return scale_.take_optimal(f, spread(f)); });
    for (std::int64_t n = 0; n < f.rows; ++n) {
      const std::span<const float> weights = weighting_.row(f, n);
      const auto own = scale_.of_row(f, n, scale, weights);
      const double distance = own.distance(weights, mean[n], target[n], squares_(f).data());
      f.output("loss")[n][0] = static_cast<float>(0.5 * distance + own.constant(weights, mean.per_sample()));
      scale_.write_sigma(f, n, scale, f.output("sigma")[n]);
    }
  }

  void backward(const loom::Backward& b) const override {
    const auto scale = scale_.common(b, [&] { return scale_.kept_optimal(b); });
    const float through = scale_.optimal(b.training) ? scale_of_batch(b, scale) : 0.0F;
    for (std::int64_t n = 0; n < b.rows; ++n) {
      const std::span<const float> weights = weighting_.row(b, n);
      const auto own = scale_.of_row(b, n, scale, weights);
      const float factor = b.diff_output("loss")[n][0];
      float *slopes = slopes_(b).data(), *differences = squares_(b).data();
      differences_of(b, n, weights, differences);
      own.slopes(differences, slopes);
      apply_weights(weights, slopes);
      const float pull = factor + through;  // both are along the slopes
      if (b.wants_diff("mean")) math::scale(pull, slopes, b.diff_input("mean")[n].data(), count_of(b));
      if (b.wants_diff("target")) math::scale(-pull, slopes, b.diff_input("target")[n].data(), count_of(b));
      scale_.add_gradient(b, n, {factor, weights, differences, slopes});
    }
  }

 private:
  static std::int64_t count_of(const loom::Call& call) { return call.input("mean").per_sample(); }

  // mean - target, 0 where a value does not count.
  static void differences_of(const loom::Call& call, std::int64_t n, std::span<const float> weights, float* out) {
    math::scaled_difference(1, call.input("mean")[n].data(), call.input("target")[n].data(), out, count_of(call));
    for (std::size_t i = 0; i < weights.size(); ++i) out[i] = weights[i] == 0 ? 0.0F : out[i];
  }

  // The weighted sum of (mean - target)^2 over the batch, and the sum of the weights.
  GaussianScale::Spread spread(const loom::Call& call) const {
    GaussianScale::Spread sum;
    for (std::int64_t n = 0; n < call.rows; ++n) {
      const std::span<const float> weights = weighting_.row(call, n);
      sum.squares += GaussianScale::weighted_squares(weights, call.input("mean")[n], call.input("target")[n]);
      sum.weights += weights.empty() ? static_cast<double>(count_of(call)) : weight_sum(weights);
    }
    return sum;
  }

  // With S the weighted sum of squares, sigma^2 = S / W: d ln sigma / d mean = weight (mean - target) / S, which is
  // 1 / W of the slope weight (mean - target) / sigma^2. What all losses and sigmas say of ln sigma comes back so.
  float scale_of_batch(const loom::Backward& b, const GaussianScale::Common& scale) const {
    const GaussianScale::Spread sum = spread(b);
    if (scale_.is_least(sum) || !(sum.weights > 0)) return 0;  // at min_sigma, it is constant
    const double precision = std::exp(-2 * scale.log_sigma);
    double slope = 0;
    for (std::int64_t n = 0; n < b.rows; ++n) {
      const std::span<const float> weights = weighting_.row(b, n);
      const double count = weights.empty() ? static_cast<double>(count_of(b)) : weight_sum(weights);
      const double squares = GaussianScale::weighted_squares(weights, b.input("mean")[n], b.input("target")[n]);
      slope += static_cast<double>(b.diff_output("loss")[n][0]) * (count - squares * precision);
      slope += math::dot(b.diff_output("sigma")[n].data(), b.output("sigma")[n].data(), count_of(b));
    }
    return static_cast<float>(slope / sum.weights);
  }

  GaussianScale scale_;
  loom::Weighting weighting_;
  loom::Slot<float> squares_, slopes_;  // differences of an event, or their squares; the gradient of the loss by mean
};
LOOM_NODE(GaussianNll, "gaussian_nll")

}  // namespace
