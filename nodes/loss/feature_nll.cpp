// A Gaussian likelihood of the features of a discriminator, instead of the pixels.
//   loss = sum over the features of 1/2 ((features - target) / sigma)^2 + ln sigma + 1/2 ln 2 pi   [nats per sample]
// It is not a likelihood of the data: no ELBO and no bits per dimension can be computed from it.
// Larsen et al. 2016, Autoencoding beyond pixels using a learned similarity metric, equations 6 and 7.
#include <cmath>

#include "latent/gaussian_density.h"
#include "loom/node.h"

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
    c.output("loss", "[N]", "nats per sample");
    c.option("sigma", 1.0, loom::positive(), "standard deviation", "that of the features");
    c.backward_reads({"features", "target"});
  }
  explicit FeatureNll(const loom::Options& options) : sigma_(options.number("sigma")) {}

  void forward(const loom::Forward& f) const override {
    const loom::TensorView features = f.input("features"), target = f.input("target");
    const std::int64_t count = features.per_sample();
    const double constant = static_cast<double>(count) * (std::log(sigma_) + kHalfLogTwoPi);
    for (std::int64_t n = 0; n < f.rows; ++n) {
      const double distance = math::squared_distance(features[n].data(), target[n].data(), count);
      f.output("loss")[n][0] = static_cast<float>(0.5 * distance / (sigma_ * sigma_) + constant);
    }
  }

  void backward(const loom::Backward& b) const override {
    const loom::TensorView features = b.input("features"), target = b.input("target");
    for (std::int64_t n = 0; n < b.rows; ++n) {
      const float factor = b.diff_output("loss")[n][0] / static_cast<float>(sigma_ * sigma_);
      const float *one = features[n].data(), *other = target[n].data();
      if (b.wants_diff("features"))
        math::scaled_difference(factor, one, other, b.diff_input("features")[n].data(), features.per_sample());
      if (b.wants_diff("target"))
        math::scaled_difference(factor, other, one, b.diff_input("target")[n].data(), features.per_sample());
    }
  }

 private:
  double sigma_;
};
LOOM_NODE(FeatureNll, "feature_nll")

}  // namespace
