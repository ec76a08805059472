// The parameters of a diagonal Gaussian posterior q(z|x) from the encoder's features: one linear layer.
//   mu [N, ...E, dim] = x W_mu^T + b_mu,   logvar = x W_logvar^T + b_logvar, clamped if limits are given
//   x [N, ...E, C], weight [2 dim, C] with the rows of mu first, bias [2 dim]
// Kingma and Welling 2014, Auto-Encoding Variational Bayes, appendix C.2.
#include <limits>
#include <memory>

#include "dnnl/matmul.h"
#include "dnnl/vector_loops.h"
#include "loom/math.h"
#include "loom/node.h"

namespace {

using loom::dnnl::Matmul;
using loom::dnnl::MatmulShape;

class GaussianParameters final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Mean and log-variance of a diagonal Gaussian, linear in the features");
    c.source("Kingma and Welling 2014, Auto-Encoding Variational Bayes, appendix C.2");
    c.input("x", "[N, ...E, C]", "features");
    c.output("mu", "[N, ...E, dim]", "mean");
    c.output("logvar", "[N, ...E, dim]", "natural logarithm of the variance");
    c.option("dim", loom::required, loom::integer().at_least(1), "latent dimensions");
    c.option("min_logvar", loom::OptionValue(), loom::number(), "smallest logvar; default: no limit", "nats");
    c.option("max_logvar", loom::OptionValue(), loom::number(), "largest logvar; default: no limit", "nats");
    c.rule({"min_logvar", "max_logvar"}, "`min_logvar` is above `max_logvar`", "min_logvar <= max_logvar",
           [](const loom::Options& o) {
             return !o.has("min_logvar") || !o.has("max_logvar") || o.number("min_logvar") <= o.number("max_logvar");
           });
    c.parameter("weight", "[P, C]", loom::kaiming_uniform(), "rows of mu, then rows of logvar").scales_outputs();
    c.parameter("bias", "[P]", loom::kaiming_uniform("weight"), "bias of mu, then of logvar").shifts_outputs();
    c.pointwise();
    c.backward_reads({"x", "logvar"});
  }
  static void infer(loom::ShapeInference& s) { s.bind("P", 2 * s.options().integer("dim")); }

  explicit GaussianParameters(const loom::Options& options) : dim_(options.integer("dim")) {
    if (options.has("min_logvar")) low_ = static_cast<float>(options.number("min_logvar"));
    if (options.has("max_logvar")) high_ = static_cast<float>(options.number("max_logvar"));
  }

  void prepare(const loom::Prepare& p) override {
    const std::int64_t channels = p.input(0).back();
    rows_ = p.output(0).count() / dim_;
    forward_ = std::make_unique<Matmul>(
        MatmulShape{.m = rows_, .n = 2 * dim_, .k = channels, .transpose_b = true, .bias = true});
    std::size_t work = forward_->scratch_bytes();
    if (p.backward) {
      data_ = std::make_unique<Matmul>(MatmulShape{.m = rows_, .n = channels, .k = 2 * dim_});
      weights_ = std::make_unique<Matmul>(
          MatmulShape{.m = 2 * dim_, .n = channels, .k = rows_, .transpose_a = true, .accumulate = true});
      work = std::max({work, data_->scratch_bytes(), weights_->scratch_bytes()});
    }
    work_ = p.scratch<std::byte>(work);
    joined_ = p.scratch<float>(rows_ * 2 * dim_);
  }

  void forward(const loom::Forward& f) const override {
    float* joined = joined_(f).data();
    forward_->execute(f.input(0).data(), f.parameter("weight").data(), f.parameter("bias").data(), joined,
                      work_(f).data());
    float *mu = f.output("mu").data(), *logvar = f.output("logvar").data();
    for (std::int64_t row = 0; row < rows_; ++row) {
      std::copy_n(joined + 2 * row * dim_, dim_, mu + row * dim_);
      std::copy_n(joined + (2 * row + 1) * dim_, dim_, logvar + row * dim_);
    }
    if (clamped()) loom::math::clamp(low_, high_, logvar, logvar, rows_ * dim_);
  }

  void backward(const loom::Backward& b) const override {
    float* joined = joined_(b).data();
    const float *diff_mu = b.diff_output("mu").data(), *diff_logvar = b.diff_output("logvar").data();
    for (std::int64_t row = 0; row < rows_; ++row) {
      std::copy_n(diff_mu + row * dim_, dim_, joined + 2 * row * dim_);
      std::copy_n(diff_logvar + row * dim_, dim_, joined + (2 * row + 1) * dim_);
    }
    if (clamped()) cut_at_limits(b.output("logvar").data(), joined);
    void* work = work_(b).data();
    if (b.wants_diff(0)) data_->execute(joined, b.parameter("weight").data(), nullptr, b.diff_input(0).data(), work);
    if (b.wants_parameter_diff("weight")) {
      weights_->execute(joined, b.input(0).data(), nullptr, b.diff_parameter("weight").data(), work);
    }
    if (b.wants_parameter_diff("bias"))
      loom::dnnl::add_column_sums(joined, rows_, 2 * dim_, b.diff_parameter("bias").data());
  }

  double forward_flop(const loom::Prepare& p) const override {
    return 4.0 * static_cast<double>(p.output(0).count()) * static_cast<double>(p.input(0).back());
  }

 private:
  bool clamped() const { return low_ > -kInfinity || high_ < kInfinity; }
  // No gradient where logvar is at a limit.
  void cut_at_limits(const float* logvar, float* joined) const {
    for (std::int64_t row = 0; row < rows_; ++row) {
      for (std::int64_t j = 0; j < dim_; ++j) {
        const float value = logvar[row * dim_ + j];
        if (value <= low_ || value >= high_) joined[(2 * row + 1) * dim_ + j] = 0;
      }
    }
  }

  static constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::int64_t dim_, rows_ = 0;
  float low_ = -kInfinity, high_ = kInfinity;
  loom::Slot<std::byte> work_;  // work memory of one primitive at a time
  loom::Slot<float> joined_;    // [rows, mu and logvar]
  std::unique_ptr<const Matmul> forward_, data_, weights_;
};
LOOM_NODE(GaussianParameters, "gaussian_parameters")

}  // namespace
