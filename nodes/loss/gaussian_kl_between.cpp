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
    c.input("z", "[N, ...E]", "a draw, for log_ratio only").optional();
    loom::Weighting::declare_mask(c);
    c.output("loss", "[N]", "nats per sample");
    c.output("per_dimension", "[N, ...E]", "nats of each latent dimension");
    c.output("log_ratio", "[N]", "ln q(z|x) - ln p(z) at z, nats");
    c.drawn_by({.type = "gaussian_sampler", .inputs = {{"mu", "prior_mu"}, {"logvar", "prior_logvar"}}});
    c.backward_reads({"mu", "logvar", "prior_mu", "prior_logvar", "z", "mask"});
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
      const auto wanted = [&](const char* port) { return b.wants_diff(port) ? b.diff_input(port)[n].data() : nullptr; };
      const Gradient out{wanted("mu"), wanted("logvar"), wanted("prior_mu"), wanted("prior_logvar"), wanted("z")};
      const Row row = row_of(b, n);
      write_gradient(row, b.diff_output("loss")[n][0], b.diff_output("per_dimension")[n].data(), out);
      const std::span<const float> mask = weighting_.row(b, n);
      for (float* diff : {out.mu, out.logvar, out.prior_mu, out.prior_logvar}) {
        if (diff != nullptr) apply_weights(mask, diff);
      }
      if (out.z != nullptr) std::fill_n(out.z, count_, 0.0F);
      const float ratio = b.diff_output("log_ratio")[n][0];
      if (!b.has_input("z") || ratio == 0) continue;
      const float* z = b.input("z")[n].data();
      add_gaussian_log_density_gradient(ratio, row.mu, row.logvar, z, out.mu, out.logvar, out.z, count_, mask);
      add_gaussian_log_density_gradient(-ratio, row.prior_mu, row.prior_logvar, z, out.prior_mu, out.prior_logvar,
                                        out.z, count_, mask);
    }
  }

 private:
  struct Row {
    const float *mu, *logvar, *prior_mu, *prior_logvar;
  };
  struct Gradient {  // null: not wanted
    float *mu, *logvar, *prior_mu, *prior_logvar, *z;
  };

  // Of the divergence; each dimension's gradient counts `factor` and that of its own value.
  void write_gradient(const Row& row, float factor, const float* per_dimension, const Gradient& out) const {
    for_precision_blocks(row.prior_logvar, count_, [&](std::int64_t first, std::int64_t count, const float* precision) {
      for (std::int64_t i = first; i < first + count; ++i) {
        const float pull = factor + per_dimension[i];
        const float p = precision[i - first], distance = row.mu[i] - row.prior_mu[i];
        const float variance = std::exp(row.logvar[i]) * p;  // divided by that of the prior
        if (out.mu != nullptr) out.mu[i] = pull * distance * p;
        if (out.prior_mu != nullptr) out.prior_mu[i] = -pull * distance * p;
        if (out.logvar != nullptr) out.logvar[i] = pull * 0.5F * (variance - 1);
        if (out.prior_logvar != nullptr) out.prior_logvar[i] = pull * 0.5F * (1 - variance - distance * distance * p);
      }
    });
  }

  static Row row_of(const loom::Call& call, std::int64_t n) {
    const auto row = [&](const char* port) { return call.input(port)[n].data(); };
    return {row("mu"), row("logvar"), row("prior_mu"), row("prior_logvar")};
  }

  std::int64_t count_ = 0;
  loom::Weighting weighting_;
};
LOOM_NODE(GaussianKlBetween, "gaussian_kl_between")

}  // namespace
