// Negative log-likelihood of independent Bernoulli variables, given the logits.
//   loss = sum over the event of mask weight (ln(1 + e^logits) - target logits)     [nats per sample]
// With a target in (0, 1) it is the cross entropy, whose minimum is not 0.
#include "loom/math.h"
#include "loom/node.h"
#include "loss/weighted.h"
#include "math/likelihood.h"

namespace {

using namespace loom::nodes;
namespace math = loom::math;

class BernoulliNll final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Negative log-likelihood of Bernoulli variables, from logits");
    c.source("Kingma and Welling 2014, Auto-Encoding Variational Bayes, appendix C.1");
    c.role(loom::Role::likelihood);
    c.input("logits", "[N, ...E]", "ln p / (1 - p)");
    c.input("target", "[N, ...E]", "observed values in [0, 1]").between(0, 1);
    loom::Weighting::declare(c);
    c.output("loss", "[N]", "nats per sample");
    c.mean_by({.type = "activation", .inputs = {{"x", "logits"}}, .options = {{"function", "sigmoid"}}});
    c.drawn_by({.type = "bernoulli_sampler", .inputs = {{"logits", "logits"}}});
    c.backward_reads({"logits", "target", "mask", "weight"});
  }
  static void infer(loom::ShapeInference& s) { loom::Weighting::infer(s, "target"); }
  explicit BernoulliNll(const loom::Options&) {}

  void prepare(const loom::Prepare& p) override { weighting_.prepare(p, "target"); }

  void forward(const loom::Forward& f) const override {
    const loom::TensorView logits = f.input("logits"), target = f.input("target");
    for (std::int64_t n = 0; n < f.rows; ++n) {
      const std::span<const float> weights = weighting_.row(f, n);
      f.output("loss")[n][0] = static_cast<float>(
          weights.empty() ? math::bernoulli_nll(logits[n].data(), target[n].data(), logits.per_sample())
                          : weighted_nll(weights, logits[n].data(), target[n].data()));
    }
  }

  void backward(const loom::Backward& b) const override {
    const loom::TensorView logits = b.input("logits"), target = b.input("target"), diff = b.diff_output("loss");
    for (std::int64_t n = 0; n < b.rows; ++n) {
      const float factor = diff[n][0];
      const std::span<const float> weights = weighting_.row(b, n);
      if (b.wants_diff("logits")) {
        float* out = b.diff_input("logits")[n].data();
        math::bernoulli_nll_gradient(factor, logits[n].data(), target[n].data(), out, logits.per_sample());
        apply_weights(weights, out);
      }
      if (b.wants_diff("target")) {
        float* out = b.diff_input("target")[n].data();
        math::scale(-factor, logits[n].data(), out, logits.per_sample());
        apply_weights(weights, out);
      }
    }
  }

 private:
  static double weighted_nll(std::span<const float> weights, const float* logits, const float* target) {
    return weighted_sum(weights, [&](std::int64_t first, std::int64_t count, float* out) {
      math::softplus(logits + first, out, count);
      for (std::int64_t i = 0; i < count; ++i) out[i] -= target[first + i] * logits[first + i];
    });
  }

  loom::Weighting weighting_;
};
LOOM_NODE(BernoulliNll, "bernoulli_nll")

}  // namespace
