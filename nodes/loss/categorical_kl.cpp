// Divergence of categorical posteriors from the uniform distribution over their C classes.
//   q = softmax(logits);  kl = ln C + sum_c q_c ln q_c for each position of E,  loss = their sum     [nats per sample]
//   dkl / dlogits_c = q_c (ln q_c - sum_k q_k ln q_k)
//   log_ratio = ln q(z|x) - ln p(z) = sum over E of ln q at the class of a one-hot z, + ln C; 0 if z is not connected.
//               Importance-weighted bounds sum it. (At a relaxed z it is the same sum, weighted by z, and not a ratio
//               of densities.)
// It is the divergence of the discrete variables, as in Jang et al., and not that of the relaxed densities of
// Maddison et al. In training with soft draws, the sum of the losses is not a bound; in evaluation, where draws are
// one-hot, it is. Jang, Gu and Poole 2017, Categorical Reparameterization with Gumbel-Softmax.
#include "loom/node.h"

#include <algorithm>
#include <cmath>

#include "loom/math.h"

namespace {

namespace math = loom::math;

class CategoricalKl final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("KL divergence of categorical posteriors from the uniform distribution");
    c.source("Jang, Gu and Poole 2017, Categorical Reparameterization with Gumbel-Softmax");
    c.role(loom::Role::divergence);
    c.input("logits", "[N, ...E, C]", "unnormalised log-probabilities");
    c.input("z", "[N, ...E, C]", "a one-hot draw, for log_ratio only").optional();
    c.output("loss", "[N]", "nats per sample");
    c.output("per_variable", "[N, ...E]", "nats of each variable");
    c.output("log_ratio", "[N]", "ln q(z|x) - ln p(z) at z, nats");
    c.drawn_by({.type = "one_hot_prior"});
    c.backward_reads({"logits", "z"});
  }
  explicit CategoricalKl(const loom::Options&) {}

  void prepare(const loom::Prepare& p) override {
    classes_ = p.input("logits").back();
    variables_ = p.input("logits").count_from(1) / classes_;
    log_q_ = p.scratch<float>(classes_);
    q_ = p.scratch<float>(classes_);
  }

  void forward(const loom::Forward& f) const override {
    const float uniform = std::log(static_cast<float>(classes_));
    for (std::int64_t n = 0; n < f.rows; ++n) {
      double kl = 0, ratio = 0;
      for (std::int64_t v = 0; v < variables_; ++v) {
        const auto [log_q, q] = distribution(f, n, v);
        const double own = math::dot(q, log_q, classes_) + std::log(static_cast<double>(classes_));
        f.output("per_variable").data()[n * variables_ + v] = static_cast<float>(own);
        kl += own;
        if (!f.has_input("z")) continue;
        const float* z = f.input("z")[n].data() + v * classes_;
        for (std::int64_t c = 0; c < classes_; ++c)  // if z is 0, an ln q of -inf does not count
          if (z[c] != 0) ratio += static_cast<double>(z[c]) * static_cast<double>(log_q[c] + uniform);
      }
      f.output("loss")[n][0] = static_cast<float>(kl);
      f.output("log_ratio")[n][0] = static_cast<float>(ratio);
    }
  }

  void backward(const loom::Backward& b) const override {
    const float uniform = std::log(static_cast<float>(classes_));
    for (std::int64_t n = 0; n < b.rows; ++n) {
      const float above_loss = b.diff_output("loss")[n][0], above_ratio = b.diff_output("log_ratio")[n][0];
      for (std::int64_t v = 0; v < variables_; ++v) {
        const auto [log_q, q] = distribution(b, n, v);
        const float* z = b.has_input("z") ? b.input("z")[n].data() + v * classes_ : nullptr;
        if (b.wants_diff("z")) {
          for (std::int64_t c = 0; c < classes_; ++c)
            b.diff_input("z")[n][static_cast<std::size_t>(v * classes_ + c)] = above_ratio * (log_q[c] + uniform);
        }
        if (!b.wants_diff("logits")) continue;
        const float above = above_loss + b.diff_output("per_variable").data()[n * variables_ + v];
        const auto mean = static_cast<float>(math::dot(q, log_q, classes_));
        const auto total = z == nullptr ? 0.0F : static_cast<float>(math::sum(z, classes_));
        float* diff = b.diff_input("logits")[n].data() + v * classes_;
        for (std::int64_t c = 0; c < classes_; ++c) {
          diff[c] = above * q[c] * (log_q[c] - mean);
          if (z != nullptr) diff[c] += above_ratio * (z[c] - total * q[c]);
        }
      }
    }
  }

 private:
  struct Distribution {
    float *log_q, *q;
  };
  // ln q is limited to the logarithm of the smallest normal float, where q ln q is 0 as required.
  Distribution distribution(const loom::Call& call, std::int64_t n, std::int64_t v) const {
    float *log_q = log_q_(call).data(), *q = q_(call).data();
    math::log_softmax(call.input("logits")[n].data() + v * classes_, log_q, classes_);
    math::exp(log_q, q, classes_);
    for (std::int64_t c = 0; c < classes_; ++c)
      if (log_q[c] < -1e30F) log_q[c] = -1e30F;
    return {log_q, q};
  }

  std::int64_t classes_ = 0, variables_ = 0;
  loom::Slot<float> log_q_, q_;  // values of one variable
};

}  // namespace

LOOM_NODE(CategoricalKl, "categorical_kl")
