// A one-draw estimate of the divergence of any posterior from any prior whose log densities are known.
//   loss = ln q(z|x) - ln p(z) at z drawn from q; its expectation is KL(q || p), single values may be negative
//                                                                                             [nats per sample]
// Kingma and Welling 2014, equation 2, the SGVB estimator A.
#include "loom/node.h"

namespace {

class MonteCarloKl final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("One-draw estimate of a divergence, from two log densities");
    c.source("Kingma and Welling 2014, Auto-Encoding Variational Bayes, section 2.3, estimator A");
    c.role(loom::Role::divergence);
    c.input("posterior_log_density", "[N]", "ln q(z|x), nats");
    c.input("prior_log_density", "[N]", "ln p(z), nats");
    c.output("loss", "[N]", "nats per sample");
    c.output("log_ratio", "[N]", "the same");
    c.backward_reads({});
  }
  explicit MonteCarloKl(const loom::Options&) {}

  void forward(const loom::Forward& f) const override {
    for (std::int64_t n = 0; n < f.rows; ++n) {
      f.output("loss")[n][0] = f.input("posterior_log_density")[n][0] - f.input("prior_log_density")[n][0];
      f.output("log_ratio")[n][0] = f.output("loss")[n][0];
    }
  }
  void backward(const loom::Backward& b) const override {
    for (std::int64_t n = 0; n < b.rows; ++n) {
      const float diff = b.diff_output("loss")[n][0] + b.diff_output("log_ratio")[n][0];
      if (b.wants_diff("posterior_log_density")) b.diff_input("posterior_log_density")[n][0] = diff;
      if (b.wants_diff("prior_log_density")) b.diff_input("prior_log_density")[n][0] = -diff;
    }
  }
};
LOOM_NODE(MonteCarloKl, "monte_carlo_kl")

}  // namespace
