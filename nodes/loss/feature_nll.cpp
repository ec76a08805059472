// A Gaussian likelihood of the features of a discriminator, instead of the pixels.
//   loss = sum over the features of mask weight (1/2 ((features - target) / sigma)^2 + ln sigma + 1/2 ln 2 pi)
//                                                                                              [nats per sample]
// It is not a likelihood of the data: no ELBO and no bits per dimension can be computed from it.
// Larsen et al. 2016, Autoencoding beyond pixels using a learned similarity metric, equations 6 and 7.
#include <cmath>

#include "latent/gaussian_density.h"
#include "loom/node.h"
#include "loss/weighted.h"

namespace {

using namespace loom::nodes;
namespace math = loom::math;

class FeatureNll final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Negative log-likelihood of features under a Gaussian around a reconstruction's features");
    c.source("Larsen et al. 2016, Autoencoding beyond pixels using a learned similarity metric, equations 6 and 7");
    c.input("features", "[N, ...E]", "features of the reconstruction");
    c.input("target", "[N, ...E]", "features of the data");
    loom::Weighting::declare(c);
    c.output("loss", "[N]", "nats per sample");
    c.option("sigma", 1.0, loom::positive(), "standard deviation", "that of the features");
    c.backward_reads({"features", "target", "mask", "weight"});
  }
  static void infer(loom::ShapeInference& s) { loom::Weighting::infer(s, "target"); }
  explicit FeatureNll(const loom::Options& options) : sigma_(options.number("sigma")) {}

  void prepare(const loom::Prepare& p) override { weighting_.prepare(p, "target"); }

  void forward(const loom::Forward& f) const override {
    const loom::TensorView features = f.input("features"), target = f.input("target");
    const std::int64_t count = features.per_sample();
    for (std::int64_t n = 0; n < f.rows; ++n) {
      const std::span<const float> weights = weighting_.row(f, n);
      const double distance = weights.empty()
                                  ? math::squared_distance(features[n].data(), target[n].data(), count)
                                  : weighted_squared_distance(weights, features[n].data(), target[n].data());
      const double values = weights.empty() ? static_cast<double>(count) : weight_sum(weights);
      const double constant = values * (std::log(sigma_) + kHalfLogTwoPi);
      f.output("loss")[n][0] = static_cast<float>(0.5 * distance / (sigma_ * sigma_) + constant);
    }
  }

  void backward(const loom::Backward& b) const override {
    const loom::TensorView features = b.input("features"), target = b.input("target");
    for (std::int64_t n = 0; n < b.rows; ++n) {
      const float factor = b.diff_output("loss")[n][0] / static_cast<float>(sigma_ * sigma_);
      const float *one = features[n].data(), *other = target[n].data();
      const std::span<const float> weights = weighting_.row(b, n);
      const auto write = [&](const char* port, const float* p, const float* t) {
        if (!b.wants_diff(port)) return;
        float* out = b.diff_input(port)[n].data();
        math::scaled_difference(factor, p, t, out, features.per_sample());
        apply_weights(weights, out);
      };
      write("features", one, other);
      write("target", other, one);
    }
  }

 private:
  double sigma_;
  loom::Weighting weighting_;
};
LOOM_NODE(FeatureNll, "feature_nll")

}  // namespace
