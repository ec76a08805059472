// A diagonal Gaussian prior whose parameters are linear in a condition, with the two uses in prior.h.
//   [mu, logvar] = condition W^T + b,   condition [N, C], W [2 P, C], b [2 P], P the values of a draw
//   y ~ N(mu, e^logvar);   log_density = ln N(y; mu, e^logvar)
// mu and logvar are ports, for gaussian_kl_between.
// Sohn et al. 2015, Learning Structured Output Representation using Deep Conditional Generative Models, section 4.
#include "latent/gaussian_density.h"
#include "loom/prior.h"
#include "math/likelihood.h"

namespace {

using namespace loom::nodes;
namespace math = loom::math;

class LearnedGaussianPrior final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("A Gaussian prior, linear in a condition: draws, or the density of z");
    c.source("Sohn et al. 2015, Deep Conditional Generative Models, section 4");
    c.role(loom::Role::prior);
    c.input("condition", "[N, C]", "features of the condition: the embedding of a label, a lower level");
    c.input("z", "[N, ...E]", "the point at which the density is computed; default: a draw").optional();
    loom::Weighting::declare_mask(c);
    c.input("like", "[N, ...E]", "a port of the shape of a draw; its values are not read").shape_only();
    c.output("y", "[N, ...E]", "draws, or z");
    c.output("log_density", "[N]", "ln p(y | condition), nats");
    c.output("mu", "[N, ...E]", "mean");
    c.output("logvar", "[N, ...E]", "natural logarithm of the variance");
    c.option("shape", loom::OptionValue(), loom::integer_list().at_least(1),
             "extents of one draw, where neither z nor like is connected");
    c.parameter("weight", "[P, C]", loom::kaiming_uniform(), "rows of mu, then rows of logvar");
    c.parameter("bias", "[P]", loom::kaiming_uniform("weight"), "bias of mu, then of logvar");
    c.stochastic();
    c.backward_reads({"condition", "y", "mu", "logvar", "mask"});
  }
  static void infer(loom::ShapeInference& s) {
    const std::vector<std::int64_t> extents = prior_extents(s);
    s.bind_run("E", extents);
    s.bind("P", 2 * loom::Shape(extents).count());
    infer_prior_mask(s);
  }
  explicit LearnedGaussianPrior(const loom::Options&) {}

  void prepare(const loom::Prepare& p) override {
    channels_ = p.input("condition").back();
    count_ = p.output("y").count_from(1);
    drawn_ = !p.has_input("z");
    prepare_prior_mask(weighting_, p);
    if (!p.backward) return;
    diffs_ = p.scratch<float>(2 * count_);
    diff_draw_ = p.scratch<float>(count_);
  }

  void forward(const loom::Forward& f) const override {
    const loom::TensorView condition = f.input("condition"), z = f.input("z"), y = f.output("y");
    const float *weight = f.parameter("weight").data(), *bias = f.parameter("bias").data();
    for (std::int64_t n = 0; n < f.rows; ++n) {
      float *mu = f.output("mu")[n].data(), *logvar = f.output("logvar")[n].data();
      const auto affine = [&](std::int64_t row) {
        return bias[row] + static_cast<float>(math::dot(weight + row * channels_, condition[n].data(), channels_));
      };
      for (std::int64_t j = 0; j < count_; ++j) {
        mu[j] = affine(j);
        logvar[j] = affine(count_ + j);
      }
      if (z.empty()) {
        f.normal(n, y[n]);
        math::reparametrise(mu, logvar, y[n].data(), y[n].data(), count_);
      } else {
        copy_event(z, y, n);
      }
      f.output("log_density")[n][0] =
          static_cast<float>(gaussian_log_density(mu, logvar, y[n].data(), count_, weighting_.row(f, n)));
    }
  }

  // A draw is reparametrised: y = mu + e^(logvar / 2) noise.
  void backward(const loom::Backward& b) const override {
    const loom::TensorView condition = b.input("condition"), y = b.output("y");
    const float* weight = b.parameter("weight").data();
    float *diff_mu = diffs_(b).data(), *diff_logvar = diff_mu + count_;
    for (std::int64_t n = 0; n < b.rows; ++n) {
      std::copy_n(b.diff_output("mu")[n].data(), count_, diff_mu);
      std::copy_n(b.diff_output("logvar")[n].data(), count_, diff_logvar);
      float* diff_z = drawn_ ? diff_draw_(b).data() : b.wants_diff("z") ? b.diff_input("z")[n].data() : nullptr;
      if (diff_z != nullptr) std::ranges::copy(b.diff_output("y")[n], diff_z);
      add_gaussian_log_density_gradient(b.diff_output("log_density")[n][0], b.output("mu")[n].data(),
                                        b.output("logvar")[n].data(), y[n].data(), diff_mu, diff_logvar, diff_z, count_,
                                        weighting_.row(b, n));
      if (drawn_) add_draw_gradient(diff_z, b.output("mu")[n].data(), y[n].data(), diff_mu, diff_logvar, count_);
      if (b.wants_diff("condition")) std::ranges::fill(b.diff_input("condition")[n], 0.0F);
      for (std::int64_t row = 0; row < 2 * count_; ++row) {  // diff_mu and diff_logvar are contiguous
        if (b.wants_diff("condition"))
          math::accumulate(diff_mu[row], weight + row * channels_, b.diff_input("condition")[n].data(), channels_);
        if (b.wants_parameter_diff("weight"))
          math::accumulate(diff_mu[row], condition[n].data(), b.diff_parameter("weight").data() + row * channels_,
                           channels_);
      }
      if (b.wants_parameter_diff("bias"))
        math::add(b.diff_parameter("bias").data(), diff_mu, b.diff_parameter("bias").data(), 2 * count_);
    }
  }

 private:
  loom::Weighting weighting_;
  std::int64_t channels_ = 0, count_ = 0;
  bool drawn_ = false;
  loom::Slot<float> diffs_;      // of an event's mu, then of its logvar
  loom::Slot<float> diff_draw_;  // of a draw
};
LOOM_NODE(LearnedGaussianPrior, "learned_gaussian_prior")

}  // namespace
