// Divergence of a diagonal Gaussian posterior from the prior N(0, I).
//   per_dimension = 1/2 (e^logvar + mu^2 - 1 - logvar),   loss = its sum over the event     [nats per sample]
//   log_ratio = ln q(z|x) - ln N(z; 0, I) at a drawn z, whose expectation is loss; 0 where z is not connected
// Kingma and Welling 2014, appendix B; log_ratio is what importance-weighted estimates sum (Burda et al. 2016).
#include <algorithm>

#include "core/vector_math.h"
#include "graph/registry.h"

namespace {

namespace math = loom::math;

class GaussianKl final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("KL divergence of a diagonal Gaussian from N(0, I)");
    c.source("Kingma and Welling 2014, Auto-Encoding Variational Bayes, appendix B");
    c.role(loom::Role::divergence);
    c.input("mu", "[N, ...E]", "mean");
    c.input("logvar", "[N, ...E]", "natural logarithm of the variance");
    c.input("z", "[N, ...E]", "a draw, for log_ratio only").optional().no_gradient();
    c.output("loss", "[N]", "nats per sample");
    c.output("per_dimension", "[N, ...E]", "nats of each latent dimension");
    c.output("log_ratio", "[N]", "ln q(z|x) - ln p(z) at z").no_gradient();
    c.backward_reads({"mu", "logvar"});
  }
  explicit GaussianKl(const loom::Options&) {}

  void forward(const loom::Forward& f) const override {
    const loom::TensorView mu = f.input("mu"), logvar = f.input("logvar"), z = f.input("z");
    const std::int64_t count = mu.per_sample();
    for (std::int64_t n = 0; n < f.rows; ++n) {
      const float *m = mu[n].data(), *l = logvar[n].data();
      f.output("loss")[n][0] = static_cast<float>(math::gaussian_kl(m, l, f.output("per_dimension")[n].data(), count));
      f.output("log_ratio")[n][0] =
          z.empty() ? 0.0F : static_cast<float>(math::gaussian_log_ratio(m, l, z[n].data(), count));
    }
  }

  void backward(const loom::Backward& b) const override {
    const loom::TensorView mu = b.input("mu"), logvar = b.input("logvar");
    for (std::int64_t n = 0; n < b.rows; ++n) {
      const auto wanted = [&](const char* port) { return b.wants_diff(port) ? b.diff_input(port)[n].data() : nullptr; };
      math::gaussian_kl_gradient(b.diff_output("loss")[n][0], b.diff_output("per_dimension")[n].data(), mu[n].data(),
                                 logvar[n].data(), wanted("mu"), wanted("logvar"), mu.per_sample());
    }
  }
};
LOOM_NODE(GaussianKl, "gaussian_kl")

}  // namespace
