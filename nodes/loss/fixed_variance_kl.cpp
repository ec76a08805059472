// Divergence from N(0, I) of a Gaussian posterior with a fixed variance other than 1: the simplest delta-VAE.
//   loss = 1/2 sum mask (mu^2 + variance - 1 - ln variance) >= committed_rate, which mu = 0 reaches     [nats per sample]
//   log_ratio = ln q(z|x) - ln N(z; 0, I) at a drawn z; 0 if z is not connected
// Draw with gaussian_sampler from mu and a `constant` of ln variance. Razavi et al. 2019, section 2.
#include <cmath>

#include "latent/gaussian_density.h"
#include "loom/node.h"

namespace {

using namespace loom::nodes;
namespace math = loom::math;

class FixedVarianceKl final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("KL divergence of a Gaussian with a fixed variance from N(0, I), which cannot vanish");
    c.source("Razavi et al. 2019, Preventing Posterior Collapse with delta-VAEs, section 2");
    c.role(loom::Role::divergence);
    c.input("mu", "[N, ...E]", "mean");
    c.input("z", "[N, ...E]", "a draw, for log_ratio only").optional();
    loom::Weighting::declare_mask(c);
    c.output("loss", "[N]", "nats per sample");
    c.output("committed_rate", "[N]", "the lower bound of loss, nats").no_gradient();
    c.output("log_ratio", "[N]", "ln q(z|x) - ln p(z) at z, nats");
    c.option("variance", loom::required, loom::positive(), "variance of the posterior");
    c.drawn_by({.type = "standard_normal"});
    c.backward_reads({"mu", "z", "mask"});
  }
  static void infer(loom::ShapeInference& s) { loom::Weighting::infer(s, "mu"); }
  explicit FixedVarianceKl(const loom::Options& options) : variance_(options.number("variance")) {}

  void prepare(const loom::Prepare& p) override { weighting_.prepare(p, "mu"); }

  void forward(const loom::Forward& f) const override {
    const loom::TensorView mu = f.input("mu"), z = f.input("z");
    const std::int64_t count = mu.per_sample();
    for (std::int64_t n = 0; n < f.rows; ++n) {
      const std::span<const float> mask = weighting_.row(f, n);
      const double values = mask.empty() ? static_cast<double>(count) : weight_sum(mask);
      const double committed = 0.5 * values * (variance_ - 1 - std::log(variance_));
      const double squares = mask.empty() ? math::sum_of_squares(mu[n].data(), count)
                                          : weighted_squared_distance(mask, mu[n].data(), nullptr);
      f.output("loss")[n][0] = static_cast<float>(committed + 0.5 * squares);
      f.output("committed_rate")[n][0] = static_cast<float>(committed);
      double ratio = 0;
      if (!z.empty()) {
        const double constant = values * (kHalfLogTwoPi + 0.5 * std::log(variance_));
        const double distance = mask.empty() ? math::squared_distance(z[n].data(), mu[n].data(), count)
                                             : weighted_squared_distance(mask, z[n].data(), mu[n].data());
        ratio = -constant - 0.5 / variance_ * distance - standard_normal_log_density(z[n].data(), count, mask);
      }
      f.output("log_ratio")[n][0] = static_cast<float>(ratio);
    }
  }

  // d log_ratio / d mu = (z - mu) / variance,   d log_ratio / d z = z - (z - mu) / variance
  void backward(const loom::Backward& b) const override {
    const loom::TensorView mu = b.input("mu"), z = b.input("z");
    const std::int64_t count = mu.per_sample();
    const auto precision = static_cast<float>(1 / variance_);
    for (std::int64_t n = 0; n < b.rows; ++n) {
      const float factor = b.diff_output("loss")[n][0], ratio = b.diff_output("log_ratio")[n][0];
      const std::span<const float> mask = weighting_.row(b, n);
      if (b.wants_diff("mu")) {
        float* out = b.diff_input("mu")[n].data();
        math::scale(factor, mu[n].data(), out, count);
        if (!z.empty())
          math::combine(ratio * precision, z[n].data(), -ratio * precision, mu[n].data(), 1, out, out, count);
        apply_weights(mask, out);
      }
      if (!b.wants_diff("z")) continue;
      float* out = b.diff_input("z")[n].data();
      math::combine(ratio * (1 - precision), z[n].data(), ratio * precision, mu[n].data(), 0, mu[n].data(), out, count);
      apply_weights(mask, out);
    }
  }

 private:
  double variance_;
  loom::Weighting weighting_;
};
LOOM_NODE(FixedVarianceKl, "fixed_variance_kl")

}  // namespace
