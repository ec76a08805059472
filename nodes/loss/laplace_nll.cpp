// Negative log-likelihood of independent Laplace variables: an absolute error with its constant.
//   loss = sum over the event of mask weight (|target - mean| / scale + ln(2 scale))     [nats per sample]
#include <cmath>

#include "loom/math.h"
#include "loom/node.h"
#include "loss/weighted.h"
#include "math/likelihood.h"

namespace {

using namespace loom::nodes;
namespace math = loom::math;

class LaplaceNll final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Negative log-likelihood of Laplace variables");
    c.role(loom::Role::likelihood);
    c.input("mean", "[N, ...E]", "location");
    c.input("target", "[N, ...E]", "observed values");
    loom::Weighting::declare(c);
    c.output("loss", "[N]", "nats per sample");
    c.option("scale", 1.0, loom::positive(), "mean absolute deviation", "that of the data");
    c.mean("mean");
    c.drawn_by({.type = "laplace_sampler", .inputs = {{"mean", "mean"}}, .same_options = {"scale"}});
    c.backward_reads({"mean", "target", "mask", "weight"});
  }
  static void infer(loom::ShapeInference& s) { loom::Weighting::infer(s, "target"); }
  explicit LaplaceNll(const loom::Options& options) : scale_(options.number("scale")) {}

  void prepare(const loom::Prepare& p) override { weighting_.prepare(p, "target"); }

  void forward(const loom::Forward& f) const override {
    const loom::TensorView mean = f.input("mean"), target = f.input("target");
    for (std::int64_t n = 0; n < f.rows; ++n) {
      const std::span<const float> weights = weighting_.row(f, n);
      const double distance = weights.empty()
                                  ? math::absolute_distance(mean[n].data(), target[n].data(), mean.per_sample())
                                  : weighted_distance(weights, mean[n].data(), target[n].data());
      const double values = weights.empty() ? static_cast<double>(mean.per_sample()) : weight_sum(weights);
      const double constant = values * std::log(2 * scale_);
      f.output("loss")[n][0] = static_cast<float>(distance / scale_ + constant);
    }
  }

  void backward(const loom::Backward& b) const override {
    const loom::TensorView mean = b.input("mean"), target = b.input("target"), diff = b.diff_output("loss");
    for (std::int64_t n = 0; n < b.rows; ++n) {
      const auto factor = static_cast<float>(static_cast<double>(diff[n][0]) / scale_);
      const float *m = mean[n].data(), *t = target[n].data();
      const std::span<const float> weights = weighting_.row(b, n);
      const auto write = [&](const char* port, const float* one, const float* other) {
        if (!b.wants_diff(port)) return;
        float* out = b.diff_input(port)[n].data();
        math::scaled_sign_difference(factor, one, other, out, mean.per_sample());
        apply_weights(weights, out);
      };
      write("mean", m, t);
      write("target", t, m);
    }
  }

 private:
  static double weighted_distance(std::span<const float> weights, const float* a, const float* b) {
    return weighted_sum(weights, [&](std::int64_t first, std::int64_t count, float* out) {
      math::scaled_difference(1, a + first, b + first, out, count);
      for (std::int64_t i = 0; i < count; ++i) out[i] = std::abs(out[i]);
    });
  }

  double scale_;
  loom::Weighting weighting_;
};
LOOM_NODE(LaplaceNll, "laplace_nll")

}  // namespace
