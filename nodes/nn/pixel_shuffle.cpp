// Channels as positions: the upsampling of sub-pixel convolution.
//   y [N, H f, W f, C] from x [N, H, W, C f f]; sequences and volumes likewise
// Shi et al. 2016, Real-Time Single Image and Video Super-Resolution, equation 4; channels in PyTorch's order.
#include "nn/pixel_order.h"

namespace {

using namespace loom::nodes;

class PixelShuffle final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Channels as positions: a larger image of fewer channels");
    c.source("Shi et al. 2016, Real-Time Single Image and Video Super-Resolution, equation 4");
    c.input("x", "[N, ...S, C]", "a sequence, an image or a volume");
    c.output("y", "[N, ...P, D]", "factor times as many positions along each axis");
    PixelOrder::declare_factor(c);
    c.backward_reads({});
    c.linear();
  }
  static void infer(loom::ShapeInference& s) {
    const loom::Shape& x = s.input(0);
    if (!check_window(s, x)) return;
    const std::int64_t together = PixelOrder(s.options(), x).together();
    if (x.back() % together != 0) {
      return s.fail("the channels cannot be shared out", std::to_string(x.back()) + " channels of " + x.text(),
                    "a multiple of " + std::to_string(together), 0);
    }
    s.output("y", scaled_image(s.options(), x, true, x.back() / together));
  }
  explicit PixelShuffle(const loom::Options& options) : options_(options) {}
  void prepare(const loom::Prepare& p) override { order_ = PixelOrder(options_, p.input(0)); }

  void forward(const loom::Forward& f) const override {
    order_.walk([x = f.input(0).data(), y = f.output(0).data()](std::int64_t large, std::int64_t small) {
      y[large] = x[small];
    });
  }
  void backward(const loom::Backward& b) const override {
    if (!b.wants_diff(0)) return;
    order_.walk([x = b.diff_input(0).data(), y = b.diff_output(0).data()](std::int64_t large, std::int64_t small) {
      x[small] = y[large];
    });
  }

 private:
  loom::Options options_;
  PixelOrder order_;
};
LOOM_NODE(PixelShuffle, "pixel_shuffle")

}  // namespace
