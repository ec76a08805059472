// Layer normalisation over the last axis.
//   y = (x - mean) / sqrt(variance + eps) weight + bias,   x, y [N, ...E, C], mean and variance of each row of C values
// Ba, Kiros and Hinton 2016, Layer Normalization, equation 4.
#include <algorithm>
#include <memory>

#include "dnnl/layer_norm.h"
#include "loom/node.h"
#include "memory.h"

namespace {

using namespace loom::nodes;

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
  }
  explicit LayerNorm(const loom::Options& options)
      : eps_(static_cast<float>(options.number("eps"))), affine_(options.flag("affine")) {}

  void prepare(const loom::Prepare& p) override {
    channels_ = p.input(0).back();
    rows_ = p.input(0).count() / channels_;
    norm_ = std::make_unique<loom::dnnl::LayerNorm>(rows_, channels_, eps_);
    spare_at_ = aligned_bytes(norm_->scratch_bytes());
    p.reserve_scratch(spare_at_ + 4 * float_bytes(channels_) + 2 * float_bytes(rows_) +
                      float_bytes(p.input(0).count()));
    if (p.backward) p.reserve_saved(2 * float_bytes(rows_));
  }

  void forward(const loom::Forward& f) const override {
    float* mean = f.saved_memory.empty() ? spare(f, 4, 0) : f.saved<float>();
    norm_->forward(f.input(0).data(), weight(f), bias(f), f.output(0).data(), mean, mean + rows_,
                   f.scratch<std::byte>());
  }

  // The primitive computes all three gradients: those not wanted go to scratch.
  void backward(const loom::Backward& b) const override {
    const float* mean = b.saved<float>();
    float* diff_weight = b.wants_parameter_diff("weight") ? b.diff_parameter("weight").data() : cleared(spare(b, 2, 0));
    float* diff_bias = b.wants_parameter_diff("bias") ? b.diff_parameter("bias").data() : cleared(spare(b, 3, 0));
    float* diff_x = b.wants_diff(0) ? b.diff_input(0).data() : spare(b, 4, 2);
    norm_->backward(b.input(0).data(), weight(b), mean, mean + rows_, b.diff_output(0).data(), diff_x, diff_weight,
                    diff_bias, b.scratch<std::byte>());
  }

 private:
  // Scratch after the primitive's own: `channel_blocks` blocks of C floats, then `row_blocks` of a float a row.
  float* spare(const loom::Call& call, int channel_blocks, int row_blocks) const {
    const std::size_t skip = static_cast<std::size_t>(channel_blocks) * float_bytes(channels_) +
                             static_cast<std::size_t>(row_blocks) * float_bytes(rows_);
    return reinterpret_cast<float*>(call.scratch<std::byte>() + spare_at_ + skip);
  }
  float* cleared(float* values) const {
    std::fill_n(values, channels_, 0.0F);
    return values;
  }
  const float* weight(const loom::Call& call) const {
    if (affine_) return call.parameter("weight").data();
    std::fill_n(spare(call, 0, 0), channels_, 1.0F);
    return spare(call, 0, 0);
  }
  const float* bias(const loom::Call& call) const {
    return affine_ ? call.parameter("bias").data() : cleared(spare(call, 1, 0));
  }

  float eps_;
  bool affine_;
  std::int64_t rows_ = 0, channels_ = 0;
  std::size_t spare_at_ = 0;
  std::unique_ptr<const loom::dnnl::LayerNorm> norm_;
};
LOOM_NODE(LayerNorm, "layer_norm")

}  // namespace
