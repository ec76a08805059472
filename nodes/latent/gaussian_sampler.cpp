// Draws from a diagonal Gaussian posterior, reparametrised so that gradients reach its parameters.
//   z = mu + exp(logvar / 2) noise,   noise ~ N(0, I) unless it is connected;   all [N, ...E]
// Kingma and Welling 2014, equation 10. It also samples in evaluation: connect q.mu instead of z for the mean.
#include "loom/math.h"
#include "loom/node.h"
#include "math/likelihood.h"

namespace {

class GaussianSampler final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("A reparametrised draw from a diagonal Gaussian");
    c.source("Kingma and Welling 2014, Auto-Encoding Variational Bayes, equation 10");
    c.role(loom::Role::sampler);
    c.input("mu", "[N, ...E]", "mean");
    c.input("logvar", "[N, ...E]", "natural logarithm of the variance");
    c.input("noise", "[N, ...E]", "standard normal values; drawn if not connected").optional();
    c.output("z", "[N, ...E]", "the draw");
    c.stochastic();
    c.pointwise();
    c.backward_reads({"logvar", "noise"});
  }
  explicit GaussianSampler(const loom::Options&) {}

  void prepare(const loom::Prepare& p) override {
    if (p.has_input("noise")) return;
    const std::int64_t count = p.output(0).count();
    noise_ = p.backward ? p.saved<float>(count) : p.scratch<float>(count);
  }

  void forward(const loom::Forward& f) const override {
    const loom::TensorView z = f.output("z");
    const float* noise = f.has_input("noise") ? f.input("noise").data() : draw(f, z.per_sample());
    loom::math::reparametrise(f.input("mu").data(), f.input("logvar").data(), noise, z.data(), z.count());
  }

  void backward(const loom::Backward& b) const override {
    const auto wanted = [&](const char* port) { return b.wants_diff(port) ? b.diff_input(port).data() : nullptr; };
    const float* noise = b.has_input("noise") ? b.input("noise").data() : noise_(b).data();
    const loom::TensorView diff_z = b.diff_output("z");
    loom::math::reparametrise_gradient(diff_z.data(), b.input("logvar").data(), noise, wanted("mu"), wanted("logvar"),
                                       wanted("noise"), diff_z.count());
  }

 private:
  const float* draw(const loom::Forward& f, std::int64_t per_sample) const {
    float* noise = noise_(f).data();
    for (std::int64_t n = 0; n < f.rows; ++n)
      f.normal(n, {noise + n * per_sample, static_cast<std::size_t>(per_sample)});
    return noise;
  }

  loom::Slot<float> noise_;
};
LOOM_NODE(GaussianSampler, "gaussian_sampler")

}  // namespace
