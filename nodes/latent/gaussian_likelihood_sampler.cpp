// Draws from a Gaussian likelihood: what gaussian_nll with the same options is the density of.
//   y = mean + sigma noise,   noise ~ N(0, I);   all [N, ...E]
// sigma is a number, a parameter of gaussian_nll (`weights:` shares it), the moving average of sigma: optimal, or
// e^(logvar / 2), where the input logvar is connected.
#include "loss/gaussian_scale.h"

namespace {

using namespace loom::nodes;
namespace math = loom::math;

class GaussianLikelihoodSampler final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Draws from a Gaussian likelihood, with the sigma of gaussian_nll");
    c.source("Rybkin et al. 2021, Simple and Effective VAE Training with Calibrated Decoders, section 3");
    c.input("mean", "[N, ...E]", "mean").no_gradient();
    c.input("logvar", "[N, ...E]", "natural logarithm of the variance of each value, in place of sigma")
        .optional()
        .no_gradient();
    c.output("y", "[N, ...E]", "the draw").no_gradient();
    GaussianScale::declare_sigma(c);
    c.stochastic();
    c.pointwise_if([](const loom::Options& o) { return !o.is_text("sigma") || o.text("sigma") != "per_dimension"; });
    c.backward_reads({});
  }
  static void infer(loom::ShapeInference& s) { GaussianScale::infer(s); }
  explicit GaussianLikelihoodSampler(const loom::Options& options) : scale_(options) {}

  void prepare(const loom::Prepare& p) override {
    const std::int64_t count = p.output(0).count_from(1);
    scale_.prepare(p, count);
    sigma_ = p.scratch<float>(count);
  }

  void forward(const loom::Forward& f) const override {
    const loom::TensorView mean = f.input("mean"), y = f.output("y");
    const auto scale = scale_.common(f, [&] { return GaussianScale::average(f); });
    const std::span<float> sigma = sigma_(f);
    for (std::int64_t n = 0; n < f.rows; ++n) {
      f.normal(n, y[n]);
      scale_.write_sigma(f, n, scale, sigma);
      math::multiply(y[n].data(), sigma.data(), y[n].data(), y.per_sample());
      math::add(y[n].data(), mean[n].data(), y[n].data(), y.per_sample());
    }
  }
  void backward(const loom::Backward&) const override {}  // no gradient

 private:
  GaussianScale scale_;
  loom::Slot<float> sigma_;  // of an event
};
LOOM_NODE(GaussianLikelihoodSampler, "gaussian_likelihood_sampler")

}  // namespace
