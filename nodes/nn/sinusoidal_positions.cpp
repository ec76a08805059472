// Adds sines and cosines of the position, from high to low frequencies, so that attention can tell positions apart.
//   PE(p, 2i) = sin(p / period^(2i/D)),  PE(p, 2i+1) = cos(p / period^(2i/D))
//   sequence  y[n, t]    = x[n, t]    + PE(t), D = C                          x [N, T, C]
//   image     y[n, h, w] = x[n, h, w] + [PE(h), PE(w)], D = C/2 each          x [N, H, W, C]
// Vaswani et al. 2017, Attention Is All You Need, section 3.5; halves of the channels for the coordinates of an image
// as in Parmar et al. 2018, Image Transformer, section 3.1
#include <cmath>

#include "loom/node.h"
#include "nn/positions.h"

namespace {

using namespace loom::nodes;

class SinusoidalPositions final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Adds sines and cosines of the position in a sequence, or of the row and the column in an image");
    c.source("Vaswani et al. 2017, Attention Is All You Need, section 3.5");
    c.input("x", "[N, ...S, C]", "features; S is [T] or [H, W]");
    c.output("y", "[N, ...S, C]", "features with their positions");
    c.option("period", 10000.0, loom::number().above(1), "about 1 / (2 pi) of the longest wavelength", "positions");
    c.causal("S");
    c.backward_reads({});
  }
  static void infer(loom::ShapeInference& s) {
    const auto axes = s.run_extents("S").size();
    if (axes != 1 && axes != 2)
      return s.fail("the positions must be those of a sequence or of an image", s.input(0).text(),
                    "[N, T, C] or [N, H, W, C]", 0);
    const std::int64_t divisor = axes == 1 ? 2 : 4;
    if (s.extent("C") % divisor != 0) {
      s.fail(axes == 1 ? "each wave takes two channels" : "each wave takes two channels of each half",
             std::to_string(s.extent("C")) + " channels", "a multiple of " + std::to_string(divisor), 0);
    }
  }
  explicit SinusoidalPositions(const loom::Options& options) : period_(options.number("period")) {}

  void prepare(const loom::Prepare& p) override {
    axes_ = position_axes(p.input(0));
    const std::int64_t dim = axes_.raster ? axes_.channels / 2 : axes_.channels;
    vectors_.resize(static_cast<std::size_t>(axes_.count() * axes_.channels));
    float* vector = vectors_.data();
    for (std::int64_t position = 0; position < axes_.count(); ++position) {
      if (axes_.raster) vector = waves(position / axes_.width, dim, vector);
      vector = waves(position % axes_.width, dim, vector);
    }
  }

  void forward(const loom::Forward& f) const override {
    add_positions(f.input(0), vectors_.data(), f.output(0), f.rows);
  }
  void backward(const loom::Backward& b) const override {
    if (b.wants_diff(0)) std::ranges::copy(b.diff_output(0).values(), b.diff_input(0).data());
  }
  void advance(const loom::Advance& a) const override {
    advance_positions(a, axes_.channels, [&](std::int64_t p) { return vectors_.data() + p * axes_.channels; });
  }

 private:
  // Writes dim values to `out`; returns the position after them.
  float* waves(std::int64_t position, std::int64_t dim, float* out) const {
    for (std::int64_t i = 0; i < dim; i += 2) {
      const double exponent = static_cast<double>(i) / static_cast<double>(dim);
      const double angle = static_cast<double>(position) / std::pow(period_, exponent);
      *out++ = static_cast<float>(std::sin(angle));
      *out++ = static_cast<float>(std::cos(angle));
    }
    return out;
  }

  double period_;
  PositionAxes axes_;
  std::vector<float> vectors_;  // [positions, C]
};
LOOM_NODE(SinusoidalPositions, "sinusoidal_positions")

}  // namespace
