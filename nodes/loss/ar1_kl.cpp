// Divergence of a posterior with independent Gaussian steps from the AR(1) prior (latent/ar1.h).
//   of one dimension, with means m_t and variances s_t, r_t = m_t - alpha m_t-1 and a = 1 - alpha^2:
//   KL = 1/2 (m_1^2 + s_1 - 1 - ln s_1) + sum_t>1 1/2 ((s_t + r_t^2 + alpha^2 s_t-1) / a - 1 - ln s_t + ln a)
//   loss = the sum over the dimensions; it is at least committed_rate, whatever the posterior   [nats per sample]
//   log_ratio = ln q(z|x) - ln p(z) at a drawn z; 0 if z is not connected
// Steps where mask is 0 do not count, and the process begins anew behind them: with padding at the end of a sequence this is
// the divergence of the sequence without it.
// Razavi et al. 2019, Preventing Posterior Collapse with delta-VAEs, sections 2.1 and 2.2, appendix.
#include <cmath>

#include "latent/ar1.h"

namespace {

using namespace loom::nodes;

class Ar1Kl final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("KL divergence of a posterior with independent steps from an AR(1) prior, which cannot vanish");
    c.source("Razavi et al. 2019, Preventing Posterior Collapse with delta-VAEs, section 2.1");
    c.role(loom::Role::divergence);
    c.input("mu", "[N, T, D]", "mean of each step");
    c.input("logvar", "[N, T, D]", "natural logarithm of the variance");
    c.input("z", "[N, T, D]", "a draw, for log_ratio only").optional();
    loom::Weighting::declare_mask(c);
    c.output("loss", "[N]", "nats per sample");
    c.output("committed_rate", "[N]", "the lower bound of loss, nats");
    c.output("per_dimension", "[N, D]", "nats of each latent dimension");
    c.output("log_ratio", "[N]", "ln q(z|x) - ln p(z) at z, nats");
    Ar1Alpha::declare(c);
    c.drawn_by({.type = "ar1_prior", .same_options = {"alpha"}, .same_weights = true});
    c.backward_reads({"mu", "logvar", "z", "mask"});
  }
  static void infer(loom::ShapeInference& s) {
    Ar1Alpha::infer(s);
    loom::Weighting::infer(s, "mu");
  }
  explicit Ar1Kl(const loom::Options& options) : alpha_(options) {}

  void prepare(const loom::Prepare& p) override {
    steps_ = p.input("mu")[1];
    width_ = p.input("mu")[2];
    weighting_.prepare(p, "mu");
  }

  void forward(const loom::Forward& f) const override {
    const loom::TensorView mu = f.input("mu"), logvar = f.input("logvar"), z = f.input("z");
    for (std::int64_t n = 0; n < f.rows; ++n) {
      double sum = 0, committed = 0, prior = 0;
      const std::span<const float> mask = weighting_.row(f, n);
      for (std::int64_t d = 0; d < width_; ++d) {
        const Ar1Steps there(mask, d, width_);
        const double alpha = alpha_.at(f, d), one = divergence(alpha, mu[n].data() + d, logvar[n].data() + d, there);
        f.output("per_dimension")[n][static_cast<std::size_t>(d)] = static_cast<float>(one);
        sum += one;
        committed += ar1_committed_rate(alpha, steps_, there);
        if (!z.empty()) prior += ar1_log_density(alpha, z[n].data() + d, steps_, width_, there);
      }
      f.output("loss")[n][0] = static_cast<float>(sum);
      f.output("committed_rate")[n][0] = static_cast<float>(committed);
      const std::int64_t count = steps_ * width_;
      f.output("log_ratio")[n][0] =
          z.empty() ? 0.0F
                    : static_cast<float>(
                          gaussian_log_density(mu[n].data(), logvar[n].data(), z[n].data(), count, mask) - prior);
    }
  }

  void backward(const loom::Backward& b) const override {
    const loom::TensorView mu = b.input("mu"), logvar = b.input("logvar"), z = b.input("z");
    for (std::int64_t n = 0; n < b.rows; ++n) {
      const auto of_loss = static_cast<double>(b.diff_output("loss")[n][0]);
      const auto of_bound = static_cast<double>(b.diff_output("committed_rate")[n][0]);
      const float of_ratio = z.empty() ? 0.0F : b.diff_output("log_ratio")[n][0];
      const std::span<const float> mask = weighting_.row(b, n);
      const auto wanted = [&](const char* port) { return b.wants_diff(port) ? b.diff_input(port)[n].data() : nullptr; };
      float *diff_mu = wanted("mu"), *diff_logvar = wanted("logvar"), *diff_z = wanted("z");
      if (diff_z != nullptr) std::fill_n(diff_z, steps_ * width_, 0.0F);
      for (std::int64_t d = 0; d < width_; ++d) {
        const double alpha = alpha_.at(b, d);
        const Ar1Steps there(mask, d, width_);
        const Moments of{mu[n].data() + d, logvar[n].data() + d, there};
        const double factor =
            of_loss + static_cast<double>(b.diff_output("per_dimension")[n][static_cast<std::size_t>(d)]);
        double slope = gradient(alpha, factor, of, diff_mu, diff_logvar, d);
        if (of_bound != 0) slope += of_bound * ar1_committed_rate_slope(alpha, steps_, there);
        if (of_ratio != 0)
          slope += add_ar1_log_density_gradient(alpha, -static_cast<double>(of_ratio), z[n].data() + d,
                                                diff_z == nullptr ? nullptr : diff_z + d, steps_, width_, there);
        if (b.wants_parameter_diff("alpha_logit"))
          b.diff_parameter("alpha_logit").data()[d] += static_cast<float>(slope * alpha * (1 - alpha));
      }
      if (of_ratio == 0) continue;
      add_gaussian_log_density_gradient(of_ratio, mu[n].data(), logvar[n].data(), z[n].data(), diff_mu, diff_logvar,
                                        diff_z, steps_ * width_, mask);
    }
  }

 private:
  // Of one dimension of the posterior, every width-th value.
  struct Moments {
    const float *mu, *logvar;
    Ar1Steps there;
  };

  double divergence(double alpha, const float* mu, const float* logvar, const Ar1Steps& there) const {
    const double rest = 1 - alpha * alpha;
    double sum = 0, mean_before = 0, variance_before = 0;
    for (std::int64_t t = 0; t < steps_; ++t) {
      if (!there.has(t)) continue;
      const auto mean = static_cast<double>(mu[t * width_]), log_variance = static_cast<double>(logvar[t * width_]);
      const double variance = std::exp(log_variance), residual = mean - alpha * mean_before;
      sum += there.begins(t) ? mean * mean + variance - 1 - log_variance
                             : (variance + residual * residual + alpha * alpha * variance_before) / rest - 1 -
                                   log_variance + std::log(rest);
      mean_before = mean;
      variance_before = variance;
    }
    return 0.5 * sum;
  }

  // Writes the requested gradients of one dimension; returns factor times the derivative with respect to alpha.
  double gradient(double alpha, double factor, const Moments& of, float* diff_mu, float* diff_logvar,
                  std::int64_t d) const {
    const double precision = 1 / (1 - alpha * alpha);
    const auto mean = [&](std::int64_t t) { return static_cast<double>(of.mu[t * width_]); };
    const auto write = [&](std::int64_t t, double by_mean, double by_log_variance) {
      if (diff_mu != nullptr) diff_mu[t * width_ + d] = static_cast<float>(by_mean);
      if (diff_logvar != nullptr) diff_logvar[t * width_ + d] = static_cast<float>(by_log_variance);
    };
    double by_alpha = 0, variance_before = 0;
    for (std::int64_t t = 0; t < steps_; ++t) {
      if (!of.there.has(t)) {
        write(t, 0, 0);
        continue;
      }
      const bool begins = of.there.begins(t), more = t + 1 < steps_ && of.there.has(t + 1);
      const double variance = std::exp(static_cast<double>(of.logvar[t * width_]));
      const double residual = begins ? 0 : mean(t) - alpha * mean(t - 1);
      const double by_mean =
          (begins ? mean(t) : residual * precision) - (more ? alpha * precision * (mean(t + 1) - alpha * mean(t)) : 0);
      const double by_variance = 0.5 * ((begins ? 1 : precision) + (more ? alpha * alpha * precision : 0));
      write(t, factor * by_mean, factor * (by_variance * variance - 0.5));
      if (!begins) {
        const double spread = variance + residual * residual + alpha * alpha * variance_before;
        by_alpha += precision * (alpha * variance_before - residual * mean(t - 1)) +
                    alpha * precision * (spread * precision - 1);
      }
      variance_before = variance;
    }
    return factor * by_alpha;
  }

  Ar1Alpha alpha_;
  loom::Weighting weighting_;
  std::int64_t steps_ = 0, width_ = 0;
};
LOOM_NODE(Ar1Kl, "ar1_kl")

}  // namespace
