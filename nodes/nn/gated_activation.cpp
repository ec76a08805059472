// The gate of PixelCNN and WaveNet: half of the channels let the other half through.
//   y [N, ...E, C] = tanh(a) sigmoid(b),   x [N, ...E, 2 C] with the channels of a first, then those of b
// van den Oord et al. 2016, Conditional Image Generation with PixelCNN Decoders, equation 2.
#include "core/vector_math.h"
#include "graph/registry.h"

namespace {

namespace math = loom::math;

class GatedActivation final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("tanh of one half of the channels times the sigmoid of the other");
    c.source("van den Oord et al. 2016, Conditional Image Generation with PixelCNN Decoders, equation 2");
    c.input("x", "[N, ...E, D]", "both halves, that of tanh first");
    c.output("y", "[N, ...E, C]", "half as many channels");
    c.backward_reads({"x"});
  }
  static void infer(loom::ShapeInference& s) {
    const std::int64_t channels = s.extent("D");
    if (channels % 2 != 0) s.fail("the channels cannot be halved", std::to_string(channels), "an even number", 0);
    s.bind("C", channels / 2);
  }
  explicit GatedActivation(const loom::Options&) {}

  void prepare(const loom::Prepare& p) override {
    channels_ = p.output(0).back();
    positions_ = p.output(0).count() / channels_;
    p.reserve_scratch(2 * static_cast<std::size_t>(channels_) * sizeof(float));
  }

  void forward(const loom::Forward& f) const override {
    const float* x = f.input(0).data();
    float *y = f.output(0).data(), *gate = f.scratch<float>();
    for (std::int64_t i = 0; i < positions_; ++i, x += 2 * channels_, y += channels_) {
      math::tanh(x, y, channels_);
      math::sigmoid(x + channels_, gate, channels_);
      math::multiply(y, gate, y, channels_);
    }
  }

  // d/da = sigmoid(b) (1 - tanh(a)^2),   d/db = tanh(a) sigmoid(b) (1 - sigmoid(b))
  void backward(const loom::Backward& b) const override {
    if (!b.wants_diff(0)) return;
    const float *x = b.input(0).data(), *diff_y = b.diff_output(0).data();
    float *diff_x = b.diff_input(0).data(), *value = b.scratch<float>(), *gate = value + channels_;
    for (std::int64_t i = 0; i < positions_; ++i, x += 2 * channels_, diff_x += 2 * channels_, diff_y += channels_) {
      math::tanh(x, value, channels_);
      math::sigmoid(x + channels_, gate, channels_);
      for (std::int64_t c = 0; c < channels_; ++c) {
        diff_x[c] = diff_y[c] * gate[c] * (1 - value[c] * value[c]);
        diff_x[channels_ + c] = diff_y[c] * value[c] * gate[c] * (1 - gate[c]);
      }
    }
  }

 private:
  std::int64_t channels_ = 0, positions_ = 0;
};
LOOM_NODE(GatedActivation, "gated_activation")

}  // namespace
