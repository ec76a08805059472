// Positions as channels: the reverse of pixel_shuffle, a smaller image that has all values.
//   y [N, H, W, C f f] from x [N, H f, W f, C]; sequences and volumes likewise
#include "nn/pixel_order.h"

namespace {

using namespace loom::nodes;

class PixelUnshuffle final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Positions as channels: a smaller image of more channels");
    c.input("x", "[N, ...S, C]", "a sequence, an image or a volume");
    c.output("y", "[N, ...P, D]", "one position for factor positions along each axis");
    PixelOrder::declare_factor(c);
    c.backward_reads({});
    c.linear();
  }
  static void infer(loom::ShapeInference& s) {
    const loom::Shape& x = s.input(0);
    if (!check_window(s, x)) return;
    const int axes = x.rank() - 2;
    for (int axis = 0; axis < axes; ++axis) {
      const std::int64_t factor = axis_option(s.options(), "factor", axis, axes, 1);
      if (x[axis + 1] % factor == 0) continue;
      return s.fail("the positions cannot be put together", "axis " + std::to_string(axis + 1) + " of " + x.text(),
                    "a multiple of " + std::to_string(factor), 0);
    }
    s.output("y", scaled_image(s.options(), x, false, x.back() * PixelOrder(s.options(), x).together()));
  }
  explicit PixelUnshuffle(const loom::Options& options) : options_(options) {}
  void prepare(const loom::Prepare& p) override { order_ = PixelOrder(options_, p.output(0)); }

  void forward(const loom::Forward& f) const override {
    order_.walk([x = f.input(0).data(), y = f.output(0).data()](std::int64_t large, std::int64_t small) {
      y[small] = x[large];
    });
  }
  void backward(const loom::Backward& b) const override {
    if (!b.wants_diff(0)) return;
    order_.walk([x = b.diff_input(0).data(), y = b.diff_output(0).data()](std::int64_t large, std::int64_t small) {
      x[large] = y[small];
    });
  }

 private:
  loom::Options options_;
  PixelOrder order_;
};
LOOM_NODE(PixelUnshuffle, "pixel_unshuffle")

}  // namespace
