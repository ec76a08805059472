// Squeeze and excitation: scales each channel of a map by a factor that depends on the whole map.
//   s = mean of x over its positions           [C]                 squeeze
//   h = relu(W1 s + b1)                        [H], H = max(1, C / ratio), or `hidden`
//   g = sigmoid(W2 h + b2)                     [C]                 excitation
//   y = g x, channel by channel;               x, y [N, ...S, C]
// The parameters have the shapes of two torch.nn.Linear layers: weight1 [H, C], bias1 [H], weight2 [C, H], bias2 [C].
// Hu, Shen and Sun 2018, Squeeze-and-Excitation Networks, equations 2 to 4.
#include "loom/node.h"

#include <algorithm>
#include <cmath>

#include "loom/math.h"

namespace {

namespace math = loom::math;

class SqueezeExcitation final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Channels scaled by factors that depend on the whole map");
    c.source("Hu, Shen and Sun 2018, Squeeze-and-Excitation Networks, equations 2 to 4");
    c.input("x", "[N, ...S, C]", "a map of channels; a vector has one position");
    c.output("y", "[N, ...S, C]", "x, each channel times its weight");
    c.option("ratio", 16, loom::integer().at_least(1), "channels for each hidden unit, the paper's r");
    c.option("hidden", 0, loom::integer().at_least(0), "hidden units; 0: channels / ratio, at least 1");
    c.parameter("weight1", "[H, C]", loom::kaiming_uniform(), "W1");
    c.parameter("bias1", "[H]", loom::kaiming_uniform("weight1"), "b1");
    c.parameter("weight2", "[C, H]", loom::kaiming_uniform(), "W2");
    c.parameter("bias2", "[C]", loom::kaiming_uniform("weight2"), "b2");
    c.backward_reads({"x"});
  }
  static void infer(loom::ShapeInference& s) {
    const std::int64_t hidden = s.options().integer("hidden"), share = s.extent("C") / s.options().integer("ratio");
    s.bind("H", hidden > 0 ? hidden : std::max<std::int64_t>(1, share));
  }
  explicit SqueezeExcitation(const loom::Options&) {}

  void prepare(const loom::Prepare& p) override {
    channels_ = p.input(0).back();
    hidden_ = p.parameter("bias1").count();
    positions_ = p.input(0).count_from(1) / channels_;
    const std::int64_t kept = p.rows * (2 * channels_ + hidden_);
    parts_ = p.backward ? p.saved<float>(kept) : p.scratch<float>(kept);
    if (p.backward) diffs_ = p.scratch<float>(2 * channels_ + hidden_);
  }

  void forward(const loom::Forward& f) const override {
    const loom::TensorView x = f.input(0), y = f.output(0);
    for (std::int64_t n = 0; n < f.rows; ++n) {
      const auto [s, h, g] = parts(f, n);
      std::fill_n(s, channels_, 0.0F);
      for (std::int64_t i = 0; i < positions_; ++i)
        math::accumulate(1 / static_cast<float>(positions_), x[n].data() + i * channels_, s, channels_);
      layer(f, "weight1", "bias1", s, channels_, h, hidden_);
      for (std::int64_t j = 0; j < hidden_; ++j) h[j] = std::max(h[j], 0.0F);
      layer(f, "weight2", "bias2", h, hidden_, g, channels_);
      math::sigmoid(g, g, channels_);
      for (std::int64_t i = 0; i < positions_; ++i)
        math::multiply(x[n].data() + i * channels_, g, y[n].data() + i * channels_, channels_);
    }
  }

  // diff g = sum over positions of diff y x, back through both layers to diff s
  // diff x = diff y g + diff s / positions
  void backward(const loom::Backward& b) const override {
    const loom::TensorView x = b.input(0), diff_y = b.diff_output(0), diff_x = b.diff_input(0);
    float* diff_g = diffs_(b).data();
    float *diff_s = diff_g + channels_, *diff_h = diff_s + channels_;
    for (std::int64_t n = 0; n < b.rows; ++n) {
      const auto [s, h, g] = parts(b, n);
      std::fill_n(diff_g, channels_, 0.0F);
      for (std::int64_t i = 0; i < positions_; ++i)
        math::multiply_add(x[n].data() + i * channels_, diff_y[n].data() + i * channels_, diff_g, channels_);
      for (std::int64_t c = 0; c < channels_; ++c) diff_g[c] *= g[c] * (1 - g[c]);
      layer_gradient(b, "weight2", "bias2", h, hidden_, diff_g, channels_, diff_h);
      for (std::int64_t j = 0; j < hidden_; ++j) diff_h[j] = h[j] > 0 ? diff_h[j] : 0;
      layer_gradient(b, "weight1", "bias1", s, channels_, diff_h, hidden_, diff_s);
      if (diff_x.empty()) continue;
      for (std::int64_t i = 0; i < positions_; ++i) {
        float* to = diff_x[n].data() + i * channels_;
        math::multiply(diff_y[n].data() + i * channels_, g, to, channels_);
        math::accumulate(1 / static_cast<float>(positions_), diff_s, to, channels_);
      }
    }
  }

 private:
  struct Parts {
    float *s, *h, *g;
  };
  Parts parts(const loom::Call& call, std::int64_t n) const {
    float* s = parts_(call).data() + n * (2 * channels_ + hidden_);
    return {s, s + channels_, s + channels_ + hidden_};
  }

  // out = W in + b
  static void layer(const loom::Call& call, const char* weight, const char* bias, const float* in, std::int64_t ins,
                    float* out, std::int64_t outs) {
    const float *w = call.parameter(weight).data(), *offset = call.parameter(bias).data();
    for (std::int64_t j = 0; j < outs; ++j) out[j] = offset[j] + static_cast<float>(math::dot(w + j * ins, in, ins));
  }

  // Adds to the gradients of W and b, and writes diff_in = W^T diff_out.
  static void layer_gradient(const loom::Backward& b, const char* weight, const char* bias, const float* in,
                             std::int64_t ins, const float* diff_out, std::int64_t outs, float* diff_in) {
    const loom::TensorView diff_weight = b.diff_parameter(weight), diff_bias = b.diff_parameter(bias);
    std::fill_n(diff_in, ins, 0.0F);
    for (std::int64_t j = 0; j < outs; ++j) {
      math::accumulate(diff_out[j], b.parameter(weight).data() + j * ins, diff_in, ins);
      if (!diff_weight.empty()) math::accumulate(diff_out[j], in, diff_weight.data() + j * ins, ins);
    }
    if (!diff_bias.empty()) math::add(diff_bias.data(), diff_out, diff_bias.data(), outs);
  }

  std::int64_t channels_ = 0, hidden_ = 0, positions_ = 0;
  loom::Slot<float> parts_;  // of each sample: s [C], h [H], g [C]
  loom::Slot<float> diffs_;  // of one sample: their gradients, those of g first
};

}  // namespace

LOOM_NODE(SqueezeExcitation, "squeeze_excitation")
