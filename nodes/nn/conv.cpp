// Convolution of sequences and images (cross-correlation, as everywhere in deep learning).
//   y[t, f] = activation(b[f] + sum over k, c of W[f, c, k] x[t stride + k dilation - padding, c])
//   x [N, T, C] or [N, H, W, C], W [filters, C/groups, kernel...], b [filters]
// padding: n at each side; same: as many outputs as inputs; causal: the output at t sees no input after t.
#include "graph/registry.h"
#include "nn/convolution.h"

namespace {

using namespace loom::nodes;
using loom::dnnl::ConvolutionShape;
using Base = Convolution<ConvolutionShape, loom::dnnl::ConvolutionForward, loom::dnnl::ConvolutionBackwardData,
                         loom::dnnl::ConvolutionBackwardWeights>;

class Conv final : public Base {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Convolution of sequences [N, T, C] and images [N, H, W, C]");
    c.input("x", "[N, ...S, C]", "a sequence or an image");
    c.output("y", "[N, ...P, filters]", "activation(W * x + b)");
    declare_convolution(c);
    c.option("padding", 0, loom::integer().at_least(0).or_list().or_text({"same", "causal"}),
             "zeros before and after each axis");
    c.parameter("weight", "[filters, G, ...K]", loom::kaiming_uniform(), "W");
    c.parameter("bias", "[filters]", loom::kaiming_uniform("weight"), "b").only_if([](const loom::Options& o) {
      return o.flag("bias");
    });
    c.backward_reads({"x", "y"});
  }

  static void infer(loom::ShapeInference& s) {
    const loom::Shape& x = s.input(0);
    if (!check_window(s, x)) return;
    const auto g = convolution_shape<ConvolutionShape>(s.options(), x);
    const Window window = window_of(s.options(), x.rank() - 2);
    if (g.c % g.groups != 0 || g.filters % g.groups != 0) {
      s.fail("groups must divide the channels and the filters", std::to_string(g.groups) + " groups",
             "a divisor of " + std::to_string(g.c) + " and " + std::to_string(g.filters), 0);
      return;
    }
    const bool same = s.options().is_text("padding") && s.options().text("padding") == "same";
    if (same && (g.stride_h > 1 || g.stride_w > 1)) {
      s.fail("padding 'same' needs stride 1", "a stride of " + std::to_string(std::max(g.stride_h, g.stride_w)),
             "stride 1, or padding as a number", 0);
      return;
    }
    const std::int64_t h = window.h.outputs(g.h), w = window.w.outputs(g.w);
    if (h < 1 || w < 1) {
      s.fail("the window is larger than the padded input", extents_text(window, x.rank() - 2) + " over " + x.text(),
             "a smaller kernel or more padding", 0);
      return;
    }
    s.bind("G", g.c / g.groups);
    s.bind_run("K", x.rank() == 3 ? std::vector{g.kw} : std::vector{g.kh, g.kw});
    s.output("y", with_image(x, h, w, g.filters));
  }

  explicit Conv(const loom::Options& options) : Base(options) {}
  ConvolutionShape geometry(const loom::Shape& x) const override {
    return convolution_shape<ConvolutionShape>(options_, x);
  }

  double forward_flop(const loom::Prepare& p) const override {
    const ConvolutionShape g = geometry(p.input(0));
    return 2.0 * static_cast<double>(p.output(0).count()) * static_cast<double>(g.c / g.groups * g.kh * g.kw);
  }
};
LOOM_NODE(Conv, "conv")

}  // namespace
