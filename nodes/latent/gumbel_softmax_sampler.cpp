// Draws from categorical posteriors with a gradient: the Concrete or Gumbel-softmax distribution.
//   g = -ln(-ln u), u uniform in (0, 1);   y = softmax((logits + g) / tau)      logits, y [N, ...E, C]
//   tau at training step t = max(least_temperature, temperature e^(-anneal t))   (Jang et al., section 4.1)
//   straight_through: y is the one-hot vector of its largest entry, with the gradient of the soft y (section 2.2)
// In evaluation y is always one-hot: arg max(logits + g) is an exact draw of the categorical posterior (Gumbel-max), so
// that a bound that is evaluated is one of the model with discrete latents, whatever the temperature of training was.
// Jang, Gu and Poole 2017, Categorical Reparameterization with Gumbel-Softmax, equation 2; Maddison, Mnih and Teh 2017,
// The Concrete Distribution.
#include "loom/node.h"

#include <algorithm>
#include <cmath>

#include "loom/math.h"

namespace {

namespace math = loom::math;

class GumbelSoftmaxSampler final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("A relaxed draw from categorical posteriors, with a gradient");
    c.source("Jang, Gu and Poole 2017, Categorical Reparameterization with Gumbel-Softmax, equation 2");
    c.role(loom::Role::sampler);
    c.input("logits", "[N, ...E, C]", "unnormalised log-probabilities");
    c.output("z", "[N, ...E, C]", "points of the simplex; one-hot with straight_through and in evaluation");
    c.option("temperature", 1.0, loom::positive(), "tau at step 0");
    c.option("least_temperature", 0.5, loom::positive(), "smallest tau");
    c.option("anneal", 0.0, loom::at_least(0), "rate at which tau falls", "per step");
    c.option("straight_through", false, loom::flag(), "one-hot also in training");
    c.stochastic();
    c.pointwise();
    c.backward_reads({});
  }
  explicit GumbelSoftmaxSampler(const loom::Options& o)
      : start_(o.number("temperature")),
        least_(std::min(start_, o.number("least_temperature"))),
        anneal_(o.number("anneal")),
        hard_(o.flag("straight_through")) {}

  // The soft draws are kept for backward, since y may be one-hot.
  void prepare(const loom::Prepare& p) override {
    classes_ = p.output(0).back();
    const std::int64_t count = p.output(0).count();
    soft_ = p.backward ? p.saved<float>(count) : p.scratch<float>(count);
  }

  void forward(const loom::Forward& f) const override {
    const auto logits = f.input(0), z = f.output(0);
    const auto inverse = static_cast<float>(1 / temperature(f));
    float* all = soft_(f).data();
    for (std::int64_t n = 0; n < f.rows; ++n) {
      float* soft = all + n * z.per_sample();
      f.uniform(n, {soft, z[n].size()});
      for (std::size_t i = 0; i < z[n].size(); ++i) soft[i] = inverse * (logits[n][i] + gumbel(soft[i]));
      for (std::int64_t at = 0; at < z.per_sample(); at += classes_) {
        float* out = z[n].data() + at;
        const std::int64_t largest = math::index_of_maximum(soft + at, classes_);
        math::softmax(soft + at, soft + at, classes_);
        if (f.training && !hard_) {
          std::copy_n(soft + at, classes_, out);
        } else {
          std::fill_n(out, classes_, std::isfinite(soft[at]) ? 0.0F : soft[at]);  // NaN stays NaN
          out[largest] += 1;
        }
      }
    }
  }

  // diff logits = y (diff z - y . diff z) / tau, of the soft y
  void backward(const loom::Backward& b) const override {
    if (!b.wants_diff(0)) return;
    const auto inverse = static_cast<float>(1 / temperature(b));
    const float *soft = soft_(b).data(), *above = b.diff_output(0).data();
    float* diff = b.diff_input(0).data();
    for (std::int64_t at = 0; at < b.diff_input(0).count(); at += classes_) {
      const auto mean = static_cast<float>(math::dot(soft + at, above + at, classes_));
      for (std::int64_t k = at; k < at + classes_; ++k) diff[k] = inverse * soft[k] * (above[k] - mean);
    }
  }

 private:
  // Only in training is this the training step; an evaluation counts its own batches.
  double temperature(const loom::Call& call) const {
    return call.training ? std::max(least_, start_ * std::exp(-anneal_ * static_cast<double>(call.step))) : least_;
  }
  // u is a multiple of 2^-24 or a finer step: adding half a step keeps it inside (0, 1).
  static float gumbel(float u) {
    return static_cast<float>(-std::log(-std::log(static_cast<double>(u) * (1 - 0x1p-24) + 0x1p-25)));
  }

  double start_, least_, anneal_;
  bool hard_;
  std::int64_t classes_ = 0;
  loom::Slot<float> soft_;
};

}  // namespace

LOOM_NODE(GumbelSoftmaxSampler, "gumbel_softmax_sampler")
