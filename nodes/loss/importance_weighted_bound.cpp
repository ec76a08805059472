// The importance-weighted bound on -ln p(x), from several draws of each sample (a `repeat`ed batch).
//   w_k = -nll_k - log_ratio_k,   loss = -(ln sum_k e^w_k - ln samples)                       [nats per sample]
// With one draw it is the one-draw negative ELBO; in expectation it falls as `samples` grows, towards -ln p(x).
// Burda et al. 2016, Importance Weighted Autoencoders, equation 8.
#include <cmath>

#include "loom/math.h"
#include "loom/node.h"

namespace {

class ImportanceWeightedBound final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Importance-weighted bound on -ln p(x) from several draws of each sample");
    c.source("Burda et al. 2016, Importance Weighted Autoencoders, equation 8");
    c.input("nll", "[N]", "-ln p(x|z) of each draw, nats: `samples` rows per sample");
    c.input("log_ratio", "[N]", "ln q(z|x) - ln p(z) of each draw, nats");
    c.output("loss", "[N]", "nats per sample");
    c.output("effective_samples", "[N]", "1 / sum of squared normalized weights: 1 to samples").no_gradient();
    c.option("samples", loom::required, loom::integer().at_least(1), "draws per sample");
    c.backward_reads({"nll", "log_ratio"});
  }
  static void infer(loom::ShapeInference& s) {
    const std::int64_t rows = -s.input("nll")[0], samples = s.options().integer("samples");
    if (rows % samples != 0) {
      s.fail("nll and log_ratio must have `samples` rows per sample", std::to_string(rows) + " rows",
             std::to_string(samples) + ": put a repeat with times: " + std::to_string(samples) + " before the sampler",
             0);
      return;
    }
    s.output("loss", {-rows / samples});
    s.output("effective_samples", {-rows / samples});
  }
  explicit ImportanceWeightedBound(const loom::Options& options) : samples_(options.integer("samples")) {}

  void prepare(const loom::Prepare& p) override { weights_ = p.scratch<float>(samples_); }

  void forward(const loom::Forward& f) const override {
    for (std::int64_t n = 0; n < f.rows; ++n) {
      float* weights = log_weights(f, n);
      const double bound = loom::math::log_sum_exp(weights, samples_) - std::log(static_cast<double>(samples_));
      f.output("loss")[n][0] = static_cast<float>(-bound);
      loom::math::softmax(weights, weights, samples_);
      f.output("effective_samples")[n][0] = static_cast<float>(1 / loom::math::sum_of_squares(weights, samples_));
    }
  }

  void backward(const loom::Backward& b) const override {
    for (std::int64_t n = 0; n < b.rows; ++n) {
      float* weights = log_weights(b, n);
      loom::math::softmax(weights, weights, samples_);
      for (const char* port : {"nll", "log_ratio"}) {
        if (b.wants_diff(port))
          loom::math::scale(b.diff_output("loss")[n][0], weights, b.diff_input(port).data() + n * samples_, samples_);
      }
    }
  }

 private:
  float* log_weights(const loom::Call& call, std::int64_t n) const {
    float* weights = weights_(call).data();
    const float *nll = call.input("nll").data() + n * samples_, *ratio = call.input("log_ratio").data() + n * samples_;
    for (std::int64_t k = 0; k < samples_; ++k) weights[k] = -nll[k] - ratio[k];
    return weights;
  }

  std::int64_t samples_;
  loom::Slot<float> weights_;
};
LOOM_NODE(ImportanceWeightedBound, "importance_weighted_bound")

}  // namespace
