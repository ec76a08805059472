// The gate of PixelCNN and WaveNet: half of the channels scale the other half.
//   y [N, ...E, C] = tanh(a) sigmoid(b),   x [N, ...E, 2 C] with the channels of a first, then those of b
// van den Oord et al. 2016, Conditional Image Generation with PixelCNN Decoders, equation 2.
#include "loom/math.h"
#include "loom/node.h"
#include "math/gate.h"

namespace {

class GatedActivation final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("tanh of one half of the channels times the sigmoid of the other");
    c.source("van den Oord et al. 2016, Conditional Image Generation with PixelCNN Decoders, equation 2");
    c.input("x", "[N, ...E, D]", "both halves, that of tanh first");
    c.output("y", "[N, ...E, C]", "half as many channels");
    c.backward_reads({"x"});
    c.pointwise();
  }
  static void infer(loom::ShapeInference& s) {
    const std::int64_t channels = s.extent("D");
    if (channels % 2 != 0)
      s.fail("the channels cannot be split into halves", std::to_string(channels), "an even number", 0);
    s.bind("C", channels / 2);
  }
  explicit GatedActivation(const loom::Options&) {}

  void prepare(const loom::Prepare& p) override {
    channels_ = p.output(0).back();
    positions_ = p.output(0).count() / channels_;
  }

  void forward(const loom::Forward& f) const override {
    loom::math::gate(f.input(0).data(), nullptr, nullptr, f.output(0).data(), positions_, channels_);
  }

  // d/da = sigmoid(b) (1 - tanh(a)^2),   d/db = tanh(a) sigmoid(b) (1 - sigmoid(b))
  void backward(const loom::Backward& b) const override {
    if (!b.wants_diff(0)) return;
    loom::math::gate_gradient(b.input(0).data(), nullptr, b.diff_output(0).data(), b.diff_input(0).data(), positions_,
                              channels_);
  }

 private:
  std::int64_t channels_ = 0, positions_ = 0;
};
LOOM_NODE(GatedActivation, "gated_activation")

}  // namespace
