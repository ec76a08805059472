// The largest or the mean value of each window, channel by channel.
//   [N, T, C], [N, H, W, C] or [N, D, H, W, C]; as in PyTorch, windows do not overlap unless a stride is given, and a mean includes the
//   zeros of the padding.
#include <cmath>
#include <memory>

#include "dnnl/pooling.h"
#include "loom/math.h"
#include "loom/node.h"
#include "nn/window.h"

namespace {

using namespace loom::nodes;
using loom::dnnl::Pooling;
using loom::dnnl::PoolingShape;

class Pool final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Maximum or average of windows");
    c.input("x", "[N, ...S, C]", "a sequence, an image or a volume");
    c.output("y", "[N, ...P, C]", "one value for each window");
    c.option("kind", "max", loom::text({"max", "average"}), "which value of a window");
    c.option("kernel", 2, loom::integer().at_least(1).or_list(), "extent of the window, or one for each spatial axis");
    c.option("stride", loom::OptionValue(), loom::integer().at_least(1).or_list(),
             "step between windows; default: the kernel");
    c.option("padding", 0, loom::integer().at_least(0).or_list(),
             "positions before and after each axis; at most half of the kernel");
    declare_padding_after(c, "positions after each axis");
    c.reads_window(window_over_time);
    c.backward_reads({});
    c.linear({}, [](const loom::Options& o) { return o.text("kind") == "average"; });
  }
  static void infer(loom::ShapeInference& s) {
    const loom::Shape& x = s.input(0);
    if (!check_window(s, x)) return;
    const Window window = window_of(s.options(), x.rank() - 2);
    const auto too_much = [](const WindowAxis& axis) {
      return 2 * std::max(axis.pad_before, axis.pad_after) > axis.kernel;
    };
    if (too_much(window.d) || too_much(window.h) || too_much(window.w)) {
      s.fail("the padding is more than half of the kernel", s.options().values().at("padding").text(),
             "at most half of " + s.options().values().at("kernel").text(), 0);
      return;
    }
    const Image image = image_of(x);
    const Image y{image.n, window.d.outputs(image.d), window.h.outputs(image.h), window.w.outputs(image.w), image.c};
    if (std::min({y.d, y.h, y.w}) < 1) {
      s.fail("the window is larger than the padded input", extents_text(window, x.rank() - 2) + " over " + x.text(),
             "a smaller kernel", 0);
      return;
    }
    s.output("y", with_image(x, y));
  }
  explicit Pool(const loom::Options& options) : options_(options) {}

  void prepare(const loom::Prepare& p) override {
    const Window window = window_of(options_, p.input(0).rank() - 2);
    const Image image = image_of(p.input(0));
    PoolingShape shape;
    shape.kind =
        options_.text("kind") == "max" ? loom::dnnl::PoolingKind::max : loom::dnnl::PoolingKind::average_padded;
    shape.n = image.n, shape.d = image.d, shape.h = image.h, shape.w = image.w, shape.c = image.c;
    shape.kd = window.d.kernel, shape.kh = window.h.kernel, shape.kw = window.w.kernel;
    shape.stride_d = window.d.stride, shape.stride_h = window.h.stride, shape.stride_w = window.w.stride;
    shape.pad_front = window.d.pad_before, shape.pad_back = window.d.pad_after;
    shape.pad_top = window.h.pad_before, shape.pad_bottom = window.h.pad_after;
    shape.pad_left = window.w.pad_before, shape.pad_right = window.w.pad_after;
    pooling_ = std::make_unique<Pooling>(shape);
    shape_ = shape;
    backward_ = p.backward;
    work_ = p.scratch<std::byte>(pooling_->scratch_bytes());
    if (backward_) workspace_ = p.saved<std::byte>(pooling_->workspace_bytes());
  }

  void forward(const loom::Forward& f) const override {
    const float* x = f.input(0).data();
    float* y = f.output(0).data();
    if (backward_)
      pooling_->forward(x, y, workspace_(f).data(), work_(f).data());
    else
      pooling_->inference(x, y, work_(f).data());
    if (shape_.kind == loom::dnnl::PoolingKind::max && !loom::math::all_finite(x, f.input(0).count())) pass_nan(x, y);
  }
  void backward(const loom::Backward& b) const override {
    if (!b.wants_diff(0)) return;
    pooling_->backward(b.diff_output(0).data(), workspace_(b).data(), b.diff_input(0).data(), work_(b).data());
  }

 private:
  // The primitive looks past NaN to the largest of the other values.
  void pass_nan(const float* x, float* y) const {
    const PoolingShape& s = shape_;
    const std::int64_t out_h = s.out_h(), out_w = s.out_w(), places = s.out_d() * out_h * out_w;
    for (std::int64_t n = 0; n < s.n; ++n, x += s.d * s.h * s.w * s.c) {
      for (std::int64_t place = 0; place < places; ++place, y += s.c) {
        const std::int64_t front = place / (out_h * out_w) * s.stride_d - s.pad_front,
                           top = place / out_w % out_h * s.stride_h - s.pad_top,
                           left = place % out_w * s.stride_w - s.pad_left;
        for (std::int64_t d = std::max<std::int64_t>(0, front); d < std::min(s.d, front + s.kd); ++d) {
          for (std::int64_t h = std::max<std::int64_t>(0, top); h < std::min(s.h, top + s.kh); ++h) {
            for (std::int64_t w = std::max<std::int64_t>(0, left); w < std::min(s.w, left + s.kw); ++w)
              copy_nan(x + ((d * s.h + h) * s.w + w) * s.c, y);
          }
        }
      }
    }
  }
  void copy_nan(const float* x, float* y) const {
    for (std::int64_t c = 0; c < shape_.c; ++c)
      if (std::isnan(x[c])) y[c] = x[c];
  }

  loom::Options options_;
  PoolingShape shape_;
  bool backward_ = false;
  loom::Slot<std::byte> work_, workspace_;
  std::unique_ptr<const Pooling> pooling_;
};
LOOM_NODE(Pool, "pool")

}  // namespace
