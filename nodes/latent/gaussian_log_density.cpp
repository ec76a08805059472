// The log density of a diagonal Gaussian at given values: of a posterior at its draw, of an autoregressive prior.
//   log_density = sum over the event of mask weight ln N(value; mu, e^logvar);  nll = -log_density  [nats per sample]
#include "latent/gaussian_density.h"
#include "loom/node.h"
#include "loss/weighted.h"

namespace {

using namespace loom::nodes;

class GaussianLogDensity final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Log density of a diagonal Gaussian, summed over the event");
    c.input("mu", "[N, ...E]", "mean");
    c.input("logvar", "[N, ...E]", "natural logarithm of the variance");
    c.input("value", "[N, ...E]", "the point at which the density is computed");
    loom::Weighting::declare(c);
    c.output("log_density", "[N]", "nats");
    c.output("nll", "[N]", "its negative, a loss: nats per sample");
    c.mean("mu");
    c.drawn_by({.type = "gaussian_sampler", .inputs = {{"mu", "mu"}, {"logvar", "logvar"}}});
    c.backward_reads({"mu", "logvar", "value", "mask", "weight"});
  }
  static void infer(loom::ShapeInference& s) { loom::Weighting::infer(s, "value"); }
  explicit GaussianLogDensity(const loom::Options&) {}

  void prepare(const loom::Prepare& p) override { weighting_.prepare(p, "value"); }

  void forward(const loom::Forward& f) const override {
    const loom::TensorView mu = f.input("mu"), logvar = f.input("logvar"), value = f.input("value");
    for (std::int64_t n = 0; n < f.rows; ++n) {
      const auto density = static_cast<float>(
          gaussian_log_density(mu[n].data(), logvar[n].data(), value[n].data(), mu.per_sample(), weighting_.row(f, n)));
      f.output("log_density")[n][0] = density;
      f.output("nll")[n][0] = -density;
    }
  }

  void backward(const loom::Backward& b) const override {
    const loom::TensorView mu = b.input("mu"), logvar = b.input("logvar"), value = b.input("value");
    const std::int64_t count = mu.per_sample();
    for (std::int64_t n = 0; n < b.rows; ++n) {
      const auto zeroed = [&](const char* port) -> float* {
        if (!b.wants_diff(port)) return nullptr;
        float* row = b.diff_input(port)[n].data();
        std::fill_n(row, count, 0.0F);
        return row;
      };
      add_gaussian_log_density_gradient(b.diff_output("log_density")[n][0] - b.diff_output("nll")[n][0], mu[n].data(),
                                        logvar[n].data(), value[n].data(), zeroed("mu"), zeroed("logvar"),
                                        zeroed("value"), count, weighting_.row(b, n));
    }
  }

 private:
  loom::Weighting weighting_;
};
LOOM_NODE(GaussianLogDensity, "gaussian_log_density")

}  // namespace
