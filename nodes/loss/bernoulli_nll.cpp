// Negative log-likelihood of independent Bernoulli variables, given the logits.
//   loss = sum over the event of ln(1 + e^logits) - target logits     [nats per sample]
// With a target in (0, 1) it is the cross entropy, whose minimum is not 0.
#include "loom/math.h"
#include "loom/node.h"
#include "math/likelihood.h"

namespace {

namespace math = loom::math;

class BernoulliNll final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Negative log-likelihood of Bernoulli variables, from logits");
    c.source("Kingma and Welling 2014, Auto-Encoding Variational Bayes, appendix C.1");
    c.role(loom::Role::likelihood);
    c.input("logits", "[N, ...E]", "ln p / (1 - p)");
    c.input("target", "[N, ...E]", "observed values in [0, 1]").between(0, 1);
    c.output("loss", "[N]", "nats per sample");
    c.backward_reads({"logits", "target"});
  }
  explicit BernoulliNll(const loom::Options&) {}

  void forward(const loom::Forward& f) const override {
    const loom::TensorView logits = f.input("logits"), target = f.input("target");
    for (std::int64_t n = 0; n < f.rows; ++n) {
      f.output("loss")[n][0] =
          static_cast<float>(math::bernoulli_nll(logits[n].data(), target[n].data(), logits.per_sample()));
    }
  }

  void backward(const loom::Backward& b) const override {
    const loom::TensorView logits = b.input("logits"), target = b.input("target"), diff = b.diff_output("loss");
    for (std::int64_t n = 0; n < b.rows; ++n) {
      const float factor = diff[n][0];
      if (b.wants_diff("logits")) {
        math::bernoulli_nll_gradient(factor, logits[n].data(), target[n].data(), b.diff_input("logits")[n].data(),
                                     logits.per_sample());
      }
      if (b.wants_diff("target"))
        math::scale(-factor, logits[n].data(), b.diff_input("target")[n].data(), logits.per_sample());
    }
  }
};
LOOM_NODE(BernoulliNll, "bernoulli_nll")

}  // namespace
