// The autoregressive prior of order 1 (latent/ar1.h), with the two uses in prior.h.
//   y [N, T, D];   log_density = ln N(y_1; 0, 1) + sum_t>1 ln N(y_t; alpha y_t-1, 1 - alpha^2), summed over D
// Steps where mask is 0 do not count, and the process begins anew behind them.
// Razavi et al. 2019, Preventing Posterior Collapse with delta-VAEs, section 2.1.
#include "latent/ar1.h"
#include "loom/prior.h"

namespace {

using namespace loom::nodes;

class Ar1Prior final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("An autoregressive prior of order 1 with variance 1: draws, or the density of z");
    c.source("Razavi et al. 2019, Preventing Posterior Collapse with delta-VAEs, section 2.1");
    declare_prior(c, "[N, T, D]", "a sequence of D independent processes, or z");
    Ar1Alpha::declare(c);
    loom::Weighting::declare_mask(c);
    c.backward_reads({"z", "y", "mask"});
  }
  static void infer(loom::ShapeInference& s) {
    const std::vector<std::int64_t> extents = prior_extents(s);
    if (extents.size() != 2) {
      if (!extents.empty()) s.fail("a sequence has two axes", loom::Shape(extents).text(), "[steps, dimensions]");
      return;
    }
    s.bind("T", extents[0]);
    s.bind("D", extents[1]);
    Ar1Alpha::infer(s);
    infer_prior_mask(s);
  }
  explicit Ar1Prior(const loom::Options& options) : alpha_(options) {}

  void prepare(const loom::Prepare& p) override {
    steps_ = p.output("y")[1];
    width_ = p.output("y")[2];
    prepare_prior_mask(weighting_, p);
    if (p.backward) diff_draw_ = p.scratch<float>(steps_ * width_);
  }

  void forward(const loom::Forward& f) const override {
    const loom::TensorView z = f.input("z"), y = f.output("y");
    for (std::int64_t n = 0; n < f.rows; ++n) {
      if (!z.empty())
        copy_event(z, y, n);
      else
        f.normal(n, y[n]);
      double density = 0;
      const std::span<const float> mask = weighting_.row(f, n);
      for (std::int64_t d = 0; d < width_; ++d) {
        const double alpha = alpha_.at(f, d);
        if (z.empty()) correlate(alpha, y[n].data() + d);
        density += ar1_log_density(alpha, y[n].data() + d, steps_, width_, Ar1Steps(mask, d, width_));
      }
      f.output("log_density")[n][0] = static_cast<float>(density);
    }
  }

  void backward(const loom::Backward& b) const override {
    const bool drawn = !b.has_input("z");
    const loom::TensorView z = drawn ? b.output("y") : b.input("z");
    for (std::int64_t n = 0; n < b.rows; ++n) {
      const auto factor = static_cast<double>(b.diff_output("log_density")[n][0]);
      float* diff_z = drawn ? diff_draw_(b).data() : b.wants_diff("z") ? b.diff_input("z")[n].data() : nullptr;
      if (diff_z != nullptr) std::ranges::copy(b.diff_output("y")[n], diff_z);
      const std::span<const float> mask = weighting_.row(b, n);
      for (std::int64_t d = 0; d < width_; ++d) {
        const double alpha = alpha_.at(b, d);
        double slope =
            add_ar1_log_density_gradient(alpha, factor, z[n].data() + d, diff_z == nullptr ? nullptr : diff_z + d,
                                         steps_, width_, Ar1Steps(mask, d, width_));
        if (drawn) slope += draw_slope(alpha, z[n].data() + d, diff_z + d);
        if (b.wants_parameter_diff("alpha_logit"))
          b.diff_parameter("alpha_logit").data()[d] += static_cast<float>(slope * alpha * (1 - alpha));
      }
    }
  }

 private:
  // Turns independent standard normal steps into the process.
  void correlate(double alpha, float* z) const {
    const double deviation = std::sqrt(1 - alpha * alpha);
    for (std::int64_t t = 1; t < steps_; ++t) {
      z[t * width_] = static_cast<float>(alpha * static_cast<double>(z[(t - 1) * width_]) +
                                         deviation * static_cast<double>(z[t * width_]));
    }
  }

  // The derivative by alpha of a draw y_t = alpha y_t-1 + sqrt(1 - alpha^2) noise_t; diff_y is overwritten on the way back.
  double draw_slope(double alpha, const float* y, float* diff_y) const {
    const double rest = 1 - alpha * alpha;
    double slope = 0;
    for (std::int64_t t = steps_ - 1; t > 0; --t) {
      const auto diff = static_cast<double>(diff_y[t * width_]), before = static_cast<double>(y[(t - 1) * width_]);
      const double residual = static_cast<double>(y[t * width_]) - alpha * before;
      slope += diff * (before - alpha / rest * residual);
      diff_y[(t - 1) * width_] += static_cast<float>(alpha * diff);
    }
    return slope;
  }

  Ar1Alpha alpha_;
  loom::Weighting weighting_;
  std::int64_t steps_ = 0, width_ = 0;
  loom::Slot<float> diff_draw_;  // of an event
};
LOOM_NODE(Ar1Prior, "ar1_prior")

}  // namespace
