// A learned factorised logistic prior, whose tails are heavier than a Gaussian's.
//   ln p(z) = -sum over the event of u + 2 ln(1 + e^-u) + log_scale,   u = (z - mean) / e^log_scale  [nats per sample]
//   a draw  = mean + e^log_scale ln(v / (1 - v)),   v uniform in (0, 1)
//   d ln p / dz = -tanh(u / 2) / e^log_scale,   d ln p / d log_scale = u tanh(u / 2) - 1
// A prior has two uses (loom/prior.h): with z connected it gives the density of z, without z it draws. The same weights
// therefore train and sample; the graph next to this file does both.
#include <loom/node.h>
#include <loom/prior.h>

#include <algorithm>
#include <cmath>

namespace {

class NewName final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("A learned factorised logistic prior: draws, or the density of z");
    loom::nodes::declare_prior(c, "[N, ...E]", "draws, or z");
    c.parameter("mean", "[...E]", loom::zeros(), "mean of each dimension");
    c.parameter("log_scale", "[...E]", loom::constant_value(-0.6), "natural logarithm of each dimension's scale");
    c.backward_reads({"z"});
  }
  static void infer(loom::ShapeInference& s) { s.bind_run("E", loom::nodes::prior_extents(s)); }

  explicit NewName(const loom::Options&) {}

  void forward(const loom::Forward& f) const override {
    const auto z = f.input("z"), y = f.output("y");
    const auto mean = f.parameter("mean").values(), log_scale = f.parameter("log_scale").values();
    for (std::int64_t n = 0; n < f.rows; ++n) {
      if (z.empty())
        draw(f, n, y[n], mean, log_scale);
      else
        loom::nodes::copy_event(z, y, n);
      double density = 0;
      for (std::size_t i = 0; i < y[n].size(); ++i) {
        const double u = (static_cast<double>(y[n][i]) - mean[i]) / std::exp(log_scale[i]);
        density -= std::abs(u) + 2 * std::log1p(std::exp(-std::abs(u))) + log_scale[i];
      }
      f.output("log_density")[n][0] = static_cast<float>(density);
    }
  }

  void backward(const loom::Backward& b) const override {
    const auto z = b.input("z");
    if (z.empty()) return;
    const auto mean = b.parameter("mean").values(), log_scale = b.parameter("log_scale").values();
    const auto diff_mean = wanted(b, "mean"), diff_log_scale = wanted(b, "log_scale");
    for (std::int64_t n = 0; n < b.rows; ++n) {
      const float above = b.diff_output("log_density")[n][0];
      if (b.wants_diff("z")) loom::nodes::copy_event(b.diff_output("y"), b.diff_input("z"), n);
      for (std::size_t i = 0; i < z[n].size(); ++i) {
        const float inverse = std::exp(-log_scale[i]), u = (z[n][i] - mean[i]) * inverse, slope = std::tanh(u / 2);
        if (b.wants_diff("z")) b.diff_input("z")[n][i] -= above * slope * inverse;
        if (!diff_mean.empty()) diff_mean[i] += above * slope * inverse;
        if (!diff_log_scale.empty()) diff_log_scale[i] += above * (u * slope - 1);
      }
    }
  }

 private:
  static std::span<float> wanted(const loom::Backward& b, const char* parameter) {
    return b.wants_parameter_diff(parameter) ? b.diff_parameter(parameter).values() : std::span<float>();
  }
  static void draw(const loom::Forward& f, std::int64_t n, std::span<float> y, std::span<const float> mean,
                   std::span<const float> log_scale) {
    f.uniform(n, y);
    for (std::size_t i = 0; i < y.size(); ++i) {
      const float v = std::clamp(y[i], 1e-6F, 1 - 1e-6F);
      y[i] = mean[i] + std::exp(log_scale[i]) * std::log(v / (1 - v));
    }
  }
};

}  // namespace

LOOM_NODE(NewName, "new.name")
