// The prior p(z) = N(0, I), with the two uses in prior.h.
//   y [N, ...E];   log_density = -1/2 sum (y^2 + ln 2 pi)
#include "latent/gaussian_density.h"
#include "loom/prior.h"

namespace {

using namespace loom::nodes;

class StandardNormal final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("The prior N(0, I): draws, or the density of z");
    declare_prior(c, "[N, ...E]", "standard normal values, or z");
    loom::Weighting::declare_mask(c);
    c.backward_reads({"z", "mask"});
  }
  static void infer(loom::ShapeInference& s) {
    s.bind_run("E", prior_extents(s));
    infer_prior_mask(s);
  }
  explicit StandardNormal(const loom::Options&) {}
  void prepare(const loom::Prepare& p) override { prepare_prior_mask(weighting_, p); }

  void forward(const loom::Forward& f) const override {
    const loom::TensorView z = f.input("z"), y = f.output("y");
    for (std::int64_t n = 0; n < f.rows; ++n) {
      if (z.empty())
        f.normal(n, y[n]);
      else
        copy_event(z, y, n);
      f.output("log_density")[n][0] =
          static_cast<float>(standard_normal_log_density(y[n].data(), y.per_sample(), weighting_.row(f, n)));
    }
  }

  void backward(const loom::Backward& b) const override {
    if (!b.wants_diff("z")) return;
    const loom::TensorView z = b.input("z"), diff_y = b.diff_output("y"), diff_z = b.diff_input("z");
    for (std::int64_t n = 0; n < b.rows; ++n) {
      copy_event(diff_y, diff_z, n);
      const float factor = -b.diff_output("log_density")[n][0];
      const std::span<const float> mask = weighting_.row(b, n);
      if (mask.empty()) loom::math::accumulate(factor, z[n].data(), diff_z[n].data(), z.per_sample());
      for (std::size_t i = 0; i < mask.size(); ++i)
        if (mask[i] != 0) diff_z[n][i] += factor * mask[i] * z[n][i];
    }
  }

 private:
  loom::Weighting weighting_;
};
LOOM_NODE(StandardNormal, "standard_normal")

}  // namespace
