// Divergence between two diagonal Gaussians, a posterior and a prior with its own parameters.
//   KL = 1/2 sum (pl - l + (e^l + (m - pm)^2) e^-pl - 1),   m, l: mu, logvar; pm, pl: prior_mu, prior_logvar
//                                                                                             [nats per sample]
//   log_ratio = ln q(z|x) - ln p(z) at a drawn z; 0 if z is not connected
// Sohn et al. 2015, Learning Structured Output Representation using Deep Conditional Generative Models, equation 4.
#include <cmath>

#include "latent/gaussian_density.h"
#include "loom/node.h"

namespace {

using namespace loom::nodes;
namespace math = loom::math;

class GaussianKlBetween final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("KL divergence of one diagonal Gaussian from another");
    c.source("Sohn et al. 2015, Deep Conditional Generative Models, equation 4");
    c.role(loom::Role::divergence);
    c.input("mu", "[N, ...E]", "mean of the posterior");
    c.input("logvar", "[N, ...E]", "natural logarithm of its variance");
    c.input("prior_mu", "[N, ...E]", "mean of the prior");
    c.input("prior_logvar", "[N, ...E]", "natural logarithm of its variance");
    c.input("z", "[N, ...E]", "a draw, for log_ratio only").optional().no_gradient();
    loom::Weighting::declare_mask(c);
    c.output("loss", "[N]", "nats per sample");
    c.output("per_dimension", "[N, ...E]", "nats of each latent dimension").no_gradient();
    c.output("log_ratio", "[N]", "ln q(z|x) - ln p(z) at z, nats").no_gradient();
    c.backward_reads({"mu", "logvar", "prior_mu", "prior_logvar", "mask"});
  }
  static void infer(loom::ShapeInference& s) { loom::Weighting::infer(s, "mu"); }
  explicit GaussianKlBetween(const loom::Options&) {}

  void prepare(const loom::Prepare& p) override {
    count_ = p.input("mu").count_from(1);
    weighting_.prepare(p, "mu");
  }

  void forward(const loom::Forward& f) const override {
    const loom::TensorView z = f.input("z");
    for (std::int64_t n = 0; n < f.rows; ++n) {
      const Row row = row_of(f, n);
      const std::span<const float> mask = weighting_.row(f, n);
      float* values = f.output("per_dimension")[n].data();
      double sum = 0;
      for_precision_blocks(
          row.prior_logvar, count_, [&](std::int64_t first, std::int64_t count, const float* precision) {
            for (std::int64_t i = first; i < first + count; ++i) {
              const float distance = row.mu[i] - row.prior_mu[i];
              values[i] = 0.5F * (row.prior_logvar[i] - row.logvar[i] - 1 +
                                  (std::exp(row.logvar[i]) + distance * distance) * precision[i - first]);
              sum += static_cast<double>(values[i]);
            }
          });
      if (!mask.empty()) {
        apply_weights(mask, values);
        sum = math::sum(values, count_);
      }
      f.output("loss")[n][0] = static_cast<float>(sum);
      f.output("log_ratio")[n][0] =
          z.empty()
              ? 0.0F
              : static_cast<float>(gaussian_log_density(row.mu, row.logvar, z[n].data(), count_, mask) -
                                   gaussian_log_density(row.prior_mu, row.prior_logvar, z[n].data(), count_, mask));
    }
  }

  void backward(const loom::Backward& b) const override {
    for (std::int64_t n = 0; n < b.rows; ++n) {
      const Row row = row_of(b, n);
      const float factor = b.diff_output("loss")[n][0];
      const auto wanted = [&](const char* port) { return b.wants_diff(port) ? b.diff_input(port)[n].data() : nullptr; };
      float *diff_mu = wanted("mu"), *diff_logvar = wanted("logvar");
      float *diff_prior_mu = wanted("prior_mu"), *diff_prior_logvar = wanted("prior_logvar");
      for_precision_blocks(row.prior_logvar, count_,
                           [&](std::int64_t first, std::int64_t count, const float* precision) {
                             for (std::int64_t i = first; i < first + count; ++i) {
                               const float p = precision[i - first], distance = row.mu[i] - row.prior_mu[i];
                               const float variance = std::exp(row.logvar[i]) * p;  // divided by that of the prior
                               if (diff_mu != nullptr) diff_mu[i] = factor * distance * p;
                               if (diff_prior_mu != nullptr) diff_prior_mu[i] = -factor * distance * p;
                               if (diff_logvar != nullptr) diff_logvar[i] = factor * 0.5F * (variance - 1);
                               if (diff_prior_logvar != nullptr)
                                 diff_prior_logvar[i] = factor * 0.5F * (1 - variance - distance * distance * p);
                             }
                           });
      const std::span<const float> mask = weighting_.row(b, n);
      for (float* diff : {diff_mu, diff_logvar, diff_prior_mu, diff_prior_logvar}) {
        if (diff != nullptr) apply_weights(mask, diff);
      }
    }
  }

 private:
  struct Row {
    const float *mu, *logvar, *prior_mu, *prior_logvar;
  };
  static Row row_of(const loom::Call& call, std::int64_t n) {
    const auto row = [&](const char* port) { return call.input(port)[n].data(); };
    return {row("mu"), row("logvar"), row("prior_mu"), row("prior_logvar")};
  }

  std::int64_t count_ = 0;
  loom::Weighting weighting_;
};
LOOM_NODE(GaussianKlBetween, "gaussian_kl_between")

}  // namespace
