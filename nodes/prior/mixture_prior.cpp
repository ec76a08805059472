// A learned mixture of diagonal Gaussians as the prior, with the two uses in prior.h.
//   ln p(z) = ln sum_k softmax(logits)_k N(z; mean_k, e^logvar_k),   mean and logvar [components, ...E]
// Dilokthanakul et al. 2016, Deep Unsupervised Clustering with Gaussian Mixture VAEs; Tomczak and Welling 2018, section
// 2, compare priors of this kind.
#include <cmath>

#include "latent/gaussian_density.h"
#include "loom/prior.h"

namespace {

using namespace loom::nodes;
namespace math = loom::math;

class MixturePrior final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("A learned mixture of diagonal Gaussians as the prior: draws, or the density of z");
    c.source("Tomczak and Welling 2018, VAE with a VampPrior, section 2 (mixture of Gaussians)");
    declare_prior(c, "[N, ...E]", "draws, or z");
    c.output("component", "[N]", "the component of the draw; for a given z, the most probable one")
        .dtype(loom::DType::i32)
        .no_gradient();
    c.option("components", loom::required, loom::integer().at_least(1), "number of Gaussians");
    c.parameter("mean", "[components, ...E]", loom::normal_values(0, 1), "mean of each component");
    c.parameter("logvar", "[components, ...E]", loom::zeros(), "natural logarithm of the variance");
    c.parameter("logits", "[components]", loom::zeros(), "logits of the components' probabilities");
    c.backward_reads({"z", "y", "component"});
  }
  static void infer(loom::ShapeInference& s) { s.bind_run("E", prior_extents(s)); }
  explicit MixturePrior(const loom::Options& options) : components_(options.integer("components")) {}

  void prepare(const loom::Prepare& p) override {
    count_ = p.output("y").count_from(1);
    log_weights_ = p.scratch<float>(components_);
    joint_ = p.scratch<float>(components_);
    if (p.backward) diff_draw_ = p.scratch<float>(count_);
  }

  void forward(const loom::Forward& f) const override {
    const loom::TensorView z = f.input("z"), y = f.output("y");
    float *log_weights = log_weights_(f).data(), *joint = joint_(f).data();
    math::log_softmax(f.parameter("logits").data(), log_weights, components_);
    for (std::int64_t n = 0; n < f.rows; ++n) {
      std::int64_t component = 0;
      if (z.empty())
        component = draw(f, n, log_weights, y[n]);
      else
        copy_event(z, y, n);
      densities(f, log_weights, y[n].data(), joint);
      if (!z.empty()) component = std::max_element(joint, joint + components_) - joint;
      f.output("log_density")[n][0] = static_cast<float>(math::log_sum_exp(joint, components_));
      f.output("component").data<std::int32_t>()[n] = static_cast<std::int32_t>(component);
    }
  }

  // d ln p / d (joint density of component k) is its responsibility. A draw is reparametrised within its component; the
  // choice of the component has no gradient.
  void backward(const loom::Backward& b) const override {
    const bool drawn = !b.has_input("z");
    const loom::TensorView z = drawn ? b.output("y") : b.input("z");
    float *log_weights = log_weights_(b).data(), *shares = joint_(b).data();
    math::log_softmax(b.parameter("logits").data(), log_weights, components_);
    for (std::int64_t n = 0; n < b.rows; ++n) {
      const float factor = b.diff_output("log_density")[n][0];
      float* diff_z = drawn ? diff_draw_(b).data() : b.wants_diff("z") ? b.diff_input("z")[n].data() : nullptr;
      if (diff_z != nullptr) std::ranges::copy(b.diff_output("y")[n], diff_z);
      densities(b, log_weights, z[n].data(), shares);
      math::softmax(shares, shares, components_);
      for (std::int64_t k = 0; k < components_; ++k) {
        const auto row = [&](const char* name) -> float* {
          return b.wants_parameter_diff(name) ? b.diff_parameter(name)[k].data() : nullptr;
        };
        add_gaussian_log_density_gradient(factor * shares[k], b.parameter("mean")[k].data(),
                                          b.parameter("logvar")[k].data(), z[n].data(), row("mean"), row("logvar"),
                                          diff_z, count_);
        if (b.wants_parameter_diff("logits"))
          b.diff_parameter("logits").data()[k] += factor * (shares[k] - std::exp(log_weights[k]));
      }
      if (drawn) add_component_gradient(b, b.output("component").data<std::int32_t>()[n], z[n].data(), diff_z);
    }
  }

 private:
  void add_component_gradient(const loom::Backward& b, std::int64_t k, const float* y, const float* diff_y) const {
    const auto row = [&](const char* name) -> float* {
      return b.wants_parameter_diff(name) ? b.diff_parameter(name)[k].data() : nullptr;
    };
    add_draw_gradient(diff_y, b.parameter("mean")[k].data(), y, row("mean"), row("logvar"), count_);
  }

  void densities(const loom::Call& call, const float* log_weights, const float* z, float* joint) const {
    for (std::int64_t k = 0; k < components_; ++k) {
      joint[k] = log_weights[k] + static_cast<float>(gaussian_log_density(
                                      call.parameter("mean")[k].data(), call.parameter("logvar")[k].data(), z, count_));
    }
  }

  std::int64_t draw(const loom::Forward& f, std::int64_t n, const float* log_weights, std::span<float> y) const {
    float uniform = 0;
    f.uniform(n, {&uniform, 1});
    std::int64_t k = 0;
    for (float sum = std::exp(log_weights[0]); sum < uniform && k + 1 < components_; sum += std::exp(log_weights[k]))
      ++k;
    f.normal(n, y, 1);
    const float *mean = f.parameter("mean")[k].data(), *logvar = f.parameter("logvar")[k].data();
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = mean[i] + std::exp(0.5F * logvar[i]) * y[i];
    return k;
  }

  std::int64_t components_, count_ = 0;
  loom::Slot<float> log_weights_, joint_;  // one per component
  loom::Slot<float> diff_draw_;            // of an event
};
LOOM_NODE(MixturePrior, "mixture_prior")

}  // namespace
