// Layer normalisation over the last axis.
//   y = (x - mean) / sqrt(variance + eps) weight + bias,   x, y [N, ...E, C], mean and variance of each row of C values
// Ba, Kiros and Hinton 2016, Layer Normalization, equation 4.
#include <algorithm>
#include <memory>

#include "dnnl/layer_norm.h"
#include "loom/node.h"
#include "nn/normalised_set.h"

namespace {

class LayerNorm final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Layer normalisation over the last axis");
    c.source("Ba, Kiros and Hinton 2016, Layer Normalization, equation 4");
    c.input("x", "[N, ...E, C]", "values");
    c.output("y", "[N, ...E, C]", "normalised, scaled and shifted values");
    c.option("eps", 1e-5, loom::positive(), "added to the variance");
    c.option("affine", true, loom::flag(), "learns a weight and a bias for each channel");
    const auto affine = [](const loom::Options& o) { return o.flag("affine"); };
    c.parameter("weight", "[C]", loom::ones(), "factor").only_if(affine);
    c.parameter("bias", "[C]", loom::zeros(), "offset").only_if(affine);
    c.pointwise();
    c.backward_reads({"x"});
    c.second_derivative();
  }
  explicit LayerNorm(const loom::Options& options)
      : eps_(static_cast<float>(options.number("eps"))), affine_(options.flag("affine")) {}

  void prepare(const loom::Prepare& p) override {
    channels_ = p.input(0).back();
    rows_ = p.input(0).count() / channels_;
    norm_ = std::make_unique<loom::dnnl::LayerNorm>(rows_, channels_, eps_);
    work_ = p.scratch<std::byte>(norm_->scratch_bytes());
    if (!affine_) ones_ = p.scratch<float>(channels_);
    if (!affine_) zeros_ = p.scratch<float>(channels_);
    statistics_ = p.backward ? p.saved<float>(2 * rows_) : p.scratch<float>(2 * rows_);
    if (!p.backward) return;
    spare_weight_ = p.scratch<float>(channels_);
    spare_bias_ = p.scratch<float>(channels_);
    spare_x_ = p.scratch<float>(p.input(0).count());
  }

  void forward(const loom::Forward& f) const override {
    float* mean = statistics_(f).data();
    norm_->forward(f.input(0).data(), weight(f), bias(f), f.output(0).data(), mean, mean + rows_, work_(f).data());
  }

  // The primitive computes all three gradients; those that are not requested are written to scratch.
  void backward(const loom::Backward& b) const override {
    const float* mean = statistics_(b).data();
    float* diff_weight =
        b.wants_parameter_diff("weight") ? b.diff_parameter("weight").data() : cleared(spare_weight_(b));
    float* diff_bias = b.wants_parameter_diff("bias") ? b.diff_parameter("bias").data() : cleared(spare_bias_(b));
    float* diff_x = b.wants_diff(0) ? b.diff_input(0).data() : spare_x_(b).data();
    norm_->backward(b.input(0).data(), weight(b), mean, mean + rows_, b.diff_output(0).data(), diff_x, diff_weight,
                    diff_bias, work_(b).data());
  }

  void second_backward(const loom::SecondBackward& b) const override {
    for (std::int64_t row = 0; row < rows_; ++row) {
      const auto set = loom::nodes::NormalisedSet::of(b, affine_, static_cast<double>(eps_), row * channels_);
      set.second_backward(
          [&](const auto& body) {
            for (std::int64_t c = 0; c < channels_; ++c) body(c, c);
          },
          static_cast<double>(channels_));
    }
  }

 private:
  static float* filled(std::span<float> values, float value) {
    std::ranges::fill(values, value);
    return values.data();
  }
  static float* cleared(std::span<float> values) { return filled(values, 0); }
  const float* weight(const loom::Call& call) const {
    return affine_ ? call.parameter("weight").data() : filled(ones_(call), 1);
  }
  const float* bias(const loom::Call& call) const {
    return affine_ ? call.parameter("bias").data() : cleared(zeros_(call));
  }

  float eps_;
  bool affine_;
  std::int64_t rows_ = 0, channels_ = 0;
  loom::Slot<std::byte> work_;
  loom::Slot<float> ones_, zeros_;                         // weight and bias if none are learned
  loom::Slot<float> statistics_;                           // of the rows: all means, then all deviations
  loom::Slot<float> spare_weight_, spare_bias_, spare_x_;  // for gradients that are not requested
  std::unique_ptr<const loom::dnnl::LayerNorm> norm_;
};
LOOM_NODE(LayerNorm, "layer_norm")

}  // namespace
