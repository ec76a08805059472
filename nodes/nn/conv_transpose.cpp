// Transposed convolution of sequences, images and volumes: the gradient of a convolution by its input, as in PyTorch.
//   extents: (in - 1) stride - 2 padding + (kernel - 1) dilation + output_padding + 1
//   x [N, T, C], [N, H, W, C] or [N, D, H, W, C], W [C, filters/groups, kernel...], b [filters]
#include "loom/node.h"
#include "nn/convolution.h"

namespace {

using namespace loom::nodes;
using loom::dnnl::TransposedConvolutionShape;
using TransposedBase = Convolution<TransposedConvolutionShape>;

class ConvTranspose final : public TransposedBase {
 public:
  static void declare(loom::Contract& c) {
    c.summary(
        "Transposed convolution of sequences [N, T, C], images [N, H, W, C] and volumes or videos [N, D, H, W, C]");
    c.input("x", "[N, ...S, C]", "a sequence, an image or a volume");
    c.output("y", "[N, ...P, filters]", "activation(W^T * x + b)");
    declare_convolution(c);
    c.option("padding", 0, loom::integer().at_least(0).or_list(), "rows removed from each side of the result");
    declare_padding_after(c, "rows removed from its end");
    c.option("output_padding", 0, loom::integer().at_least(0).or_list(), "rows added after it; less than the stride");
    c.parameter("weight", "[C, G, ...K]", loom::kaiming_uniform(), "W")
        .scales_outputs(1, WeightNorm::is_plain)
        .overwrites_first(WeightNorm::is_plain);
    c.parameter("bias", "[filters]", loom::kaiming_uniform("weight"), "b")
        .shifts_outputs()
        .only_if([](const loom::Options& o) { return o.flag("bias"); });
    WeightNorm::declare(c, {.first = "[C]", .rows = "[G]", .columns = "[V]"});
    c.reads_window(time_window);
    c.backward_reads({"x", "y"});
  }

  static void infer(loom::ShapeInference& s) {
    const loom::Shape& x = s.input(0);
    if (!check_window(s, x)) return;
    const auto g = convolution_shape<TransposedConvolutionShape>(s.options(), x);
    const Window window = window_of(s.options(), x.rank() - 2);
    if (g.c % g.groups != 0 || g.filters % g.groups != 0) {
      s.fail("groups must divide the channels and the filters", std::to_string(g.groups) + " groups",
             "a divisor of " + std::to_string(g.c) + " and " + std::to_string(g.filters), 0);
      return;
    }
    const auto adds_too_much = [](const WindowAxis& axis) { return axis.output_padding >= axis.stride; };
    if (adds_too_much(window.w) || (x.rank() > 3 && adds_too_much(window.h)) ||
        (x.rank() > 4 && adds_too_much(window.d))) {
      s.fail("the output padding must be less than the stride", s.options().values().at("output_padding").text(),
             "less than " + s.options().values().at("stride").text(), 0);
      return;
    }
    const Image y{g.n, window.d.transposed_outputs(g.d), window.h.transposed_outputs(g.h),
                  window.w.transposed_outputs(g.w), g.filters};
    if (std::min({y.d, y.h, y.w}) < 1) {
      s.fail("the output is empty", x.text() + " with padding " + s.options().values().at("padding").text(),
             "less padding", 0);
      return;
    }
    s.bind("G", g.filters / g.groups);
    s.bind_run("K", kernel_of(window, x.rank() - 2));
    s.bind("V", g.c * g.kd * g.kh * g.kw);
    s.output("y", with_image(x, y));
  }

  explicit ConvTranspose(const loom::Options& options)
      : TransposedBase(options, loom::dnnl::kTransposedConvolution, 1) {}

  TransposedConvolutionShape geometry(const loom::Shape& x) const override {
    auto g = convolution_shape<TransposedConvolutionShape>(options_, x);
    const Window window = window_of(options_, x.rank() - 2);
    g.output_padding_d = window.d.output_padding;
    g.output_padding_h = window.h.output_padding;
    g.output_padding_w = window.w.output_padding;
    return g;
  }

  double forward_flop(const loom::Prepare& p) const override {
    const TransposedConvolutionShape g = geometry(p.input(0));
    return 2.0 * static_cast<double>(g.x_count()) * static_cast<double>(g.filters / g.groups * g.kd * g.kh * g.kw);
  }

 private:
  // Input position i is added to the outputs i stride - padding + k dilation.
  static std::optional<loom::TimeWindow> time_window(const loom::TimeWindowOf& of) {
    if (of.from.rank() < 3) return std::nullopt;
    const WindowAxis axis = window_axis(of.options, 0, of.from.rank() - 2);
    const std::int64_t span = axis.reach() - 1 - axis.pad_before;
    const std::int64_t before = span >= 0 ? span / axis.stride : -((-span + axis.stride - 1) / axis.stride);
    return loom::TimeWindow{axis.stride, 1, before, (axis.stride - 1 + axis.pad_before) / axis.stride};
  }
};
LOOM_NODE(ConvTranspose, "conv_transpose")

}  // namespace
