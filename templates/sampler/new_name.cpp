// Draws from a Laplace posterior, reparametrised so that gradients reach its parameters.
//   z = mu + e^log_scale e,   e = -sign(u) ln(1 - 2 |u|),   u uniform in (-1/2, 1/2)
//   log_density = ln q(z) = -sum over the event of |e| + log_scale + ln 2                   [nats per sample]
//   dz/dmu = 1,   dz/dlog_scale = z - mu,   d log_density / d log_scale = -1
#include <loom/node.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace {

class NewName final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("A reparametrised draw from a Laplace distribution, and its log density").role(loom::Role::sampler);
    c.input("mu", "[N, ...E]", "location");
    c.input("log_scale", "[N, ...E]", "natural logarithm of the scale");
    c.output("z", "[N, ...E]", "the draw");
    c.output("log_density", "[N]", "ln q(z), nats");
    c.stochastic();
    c.backward_reads({"mu", "z"});
  }

  explicit NewName(const loom::Options&) {}

  // Random numbers come only from the call: the same seed then gives the same bits for any number of threads.
  void forward(const loom::Forward& f) const override {
    const auto mu = f.input("mu"), log_scale = f.input("log_scale"), z = f.output("z");
    for (std::int64_t n = 0; n < f.rows; ++n) {
      double density = 0;
      f.uniform(n, z[n]);  // in [0, 1)
      for (std::size_t i = 0; i < z[n].size(); ++i) {
        const float u = z[n][i] - 0.5F, size = -std::log(std::max(1 - 2 * std::abs(u), 1e-7F));
        z[n][i] = mu[n][i] + std::exp(log_scale[n][i]) * std::copysign(size, u);
        density -= size + log_scale[n][i] + std::numbers::ln2_v<float>;
      }
      f.output("log_density")[n][0] = static_cast<float>(density);
    }
  }

  void backward(const loom::Backward& b) const override {
    const auto mu = b.input("mu"), z = b.output("z"), above = b.diff_output("z");
    for (std::int64_t n = 0; n < b.rows; ++n) {
      const float density = b.diff_output("log_density")[n][0];
      if (b.wants_diff("mu")) std::ranges::copy(above[n], b.diff_input("mu")[n].begin());
      if (!b.wants_diff("log_scale")) continue;
      const auto below = b.diff_input("log_scale")[n];
      for (std::size_t i = 0; i < below.size(); ++i) below[i] = above[n][i] * (z[n][i] - mu[n][i]) - density;
    }
  }
};

}  // namespace

LOOM_NODE(NewName, "new.name")
