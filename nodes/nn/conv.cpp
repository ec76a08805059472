// Convolution of sequences, images and volumes (cross-correlation, as is usual in deep learning).
//   y[t, f] = activation(b[f] + sum over k, c of W[f, c, k] x[t stride + k dilation - padding, c])
//   x [N, T, C], [N, H, W, C] or [N, D, H, W, C], W [filters, C/groups, kernel...], b [filters]
// padding: n at each side; same: as many outputs as inputs; causal: the output at t sees no input after t.
#include "dnnl/causal_product.h"
#include "loom/advance.h"
#include "loom/error.h"
#include "loom/node.h"
#include "nn/convolution.h"

namespace {

using namespace loom::nodes;
using loom::dnnl::ConvolutionShape;
using Base = Convolution<ConvolutionShape>;

class Conv final : public Base {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Convolution of sequences [N, T, C], images [N, H, W, C] and volumes or videos [N, D, H, W, C]");
    c.input("x", "[N, ...S, C]", "a sequence, an image or a volume");
    c.output("y", "[N, ...P, filters]", "activation(W * x + b)");
    declare_convolution(c);
    c.option("padding", 0, loom::integer().at_least(0).or_list().or_text({"same", "causal"}),
             "zeros before and after each axis");
    declare_padding_after(c, "zeros after each axis");
    c.parameter("weight", "[filters, G, ...K]", loom::kaiming_uniform(), "W")
        .scales_outputs(0, WeightNorm::is_plain)
        .overwrites_first(WeightNorm::is_plain);
    c.parameter("bias", "[filters]", loom::kaiming_uniform("weight"), "b")
        .shifts_outputs()
        .only_if([](const loom::Options& o) { return o.flag("bias"); });
    WeightNorm::declare(c, {.first = "[filters]", .rows = "[filters]", .columns = "[V]", .scales = true});
    c.pointwise_if(
        [](const loom::Options& o) { return all_ones(o, "kernel") && all_ones(o, "stride") && no_padding(o); });
    c.causal_if("S", [](const loom::Options& o) { return causal_padding(o) && all_ones(o, "stride"); });
    c.reads_window(window_over_time);
    c.backward_reads({"x", "y"});
    c.cheap(reads_few_channels);
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
    const std::int64_t stride = std::max({g.stride_d, g.stride_h, g.stride_w});
    if (same && stride > 1) {
      s.fail("padding 'same' needs stride 1", "a stride of " + std::to_string(stride),
             "stride 1, or padding as a number", 0);
      return;
    }
    const Image y{g.n, window.d.outputs(g.d), window.h.outputs(g.h), window.w.outputs(g.w), g.filters};
    if (std::min({y.d, y.h, y.w}) < 1) {
      s.fail("the window is larger than the padded input", extents_text(window, x.rank() - 2) + " over " + x.text(),
             "a smaller kernel or more padding", 0);
      return;
    }
    s.bind("G", g.c / g.groups);
    s.bind_run("K", kernel_of(window, x.rank() - 2));
    s.bind("V", g.c / g.groups * g.kd * g.kh * g.kw);
    s.output("y", with_image(x, y));
  }

  explicit Conv(const loom::Options& options) : Base(options, loom::dnnl::kConvolution, 0) {}
  ConvolutionShape geometry(const loom::Shape& x) const override {
    return convolution_shape<ConvolutionShape>(options_, x);
  }

  void prepare(const loom::Prepare& p) override {
    if (!p.incremental) return Base::prepare(p);
    const ConvolutionShape g = geometry(p.input(0));
    if (g.is_volume()) throw not_incremental("an image or a sequence");
    loom::dnnl::CausalSource source{.channels = g.c, .kernel = g.kh * g.kw, .runs = {}};
    const std::int64_t together = g.dilation_w == 1 ? g.kw : 1;  // neighbours in memory
    for (std::int64_t i = 0; i < g.kh; ++i) {
      for (std::int64_t j = 0; j < g.kw; j += together) {
        source.runs.push_back({(i + 1 - g.kh) * g.dilation_h, (j + 1 - g.kw) * g.dilation_w, together, i * g.kw + j});
      }
    }
    incremental_ =
        std::make_unique<loom::dnnl::CausalProduct>(loom::dnnl::CausalProductShape{.height = g.h,
                                                                                   .width = g.w,
                                                                                   .filters = g.filters,
                                                                                   .sources = {std::move(source)},
                                                                                   .bias = g.bias,
                                                                                   .relu = activation_.relu(),
                                                                                   .samples = g.n});
    norm_.prepare(p, rows_axis_);
    incremental_work_ = p.scratch<std::byte>(incremental_->scratch_bytes());
    incremental_weight_ = p.packed<std::byte>(incremental_->packed_bytes());
  }

  void pack(const loom::Pack& p) const override {
    if (!incremental_) return Base::pack(p);
    const float* weight = norm_.pack(p);
    incremental_->pack(&weight, incremental_weight_(p).data());
  }

  // Called only for a causal convolution that is not pointwise.
  loom::Filled filled(std::span<const loom::Filled> inputs, int) const override {
    if (!causal_padding(options_) || !all_ones(options_, "stride") || options_.integer("groups") != 1) {
      throw not_incremental("padding: causal, with stride 1 and one group, or kernel 1");
    }
    return inputs[0];
  }

  void advance(const loom::Advance& a) const override {
    a.expect_map(incremental_->height(), incremental_->width());
    const loom::Advance::Range range = a.range(0);
    if (range.count == 0) return;
    const float *x = a.input(0).data(), *bias = a.has_parameter("bias") ? a.parameter("bias").data() : nullptr;
    float* y = loom::Advance::at(a.output(0), range.first);
    incremental_->advance(&x, range.first, range.count, incremental_weight_(a).data(), bias, y,
                          incremental_work_(a).data());
    activation_.apply(a, {loom::DType::f32, {range.count * a.samples, a.output(0).shape().back()}, y});
  }

  double forward_flop(const loom::Prepare& p) const override {
    const ConvolutionShape g = geometry(p.input(0));
    return 2.0 * static_cast<double>(p.output(0).count()) * static_cast<double>(g.c / g.groups * g.kd * g.kh * g.kw);
  }

 private:
  // A first layer, of pictures with their colours: its output takes many times as much memory as its input, and few
  // operations for each value. What an activation keeps from forward would have to be kept.
  static bool reads_few_channels(const loom::Options& o, std::span<const loom::Shape> inputs) {
    constexpr std::int64_t kMostProducts = 128;  // for each value
    const auto g = convolution_shape<ConvolutionShape>(o, inputs[0]);
    return g.c / g.groups * g.kd * g.kh * g.kw <= kMostProducts && FusedActivation(o).keeps_nothing();
  }
  static loom::Error not_incremental(const char* expected) {
    return {loom::ErrorCode::not_supported, "this convolution cannot compute one position at a time", expected};
  }
  static bool all_ones(const loom::Options& o, const char* name) {
    return std::ranges::all_of(o.integers(name), [](std::int64_t value) { return value == 1; });
  }
  static bool causal_padding(const loom::Options& o) { return o.is_text("padding") && o.text("padding") == "causal"; }
  static bool no_padding(const loom::Options& o) {
    if (o.is_text("padding")) return true;
    for (const char* name : {"padding", "padding_after"}) {
      if (!o.has(name)) continue;
      if (std::ranges::any_of(o.integers(name), [](std::int64_t n) { return n != 0; })) return false;
    }
    return true;
  }

  std::unique_ptr<const loom::dnnl::CausalProduct> incremental_;
  loom::Slot<std::byte> incremental_work_;
  loom::PackedSlot<std::byte> incremental_weight_;
};
LOOM_NODE(Conv, "conv")

}  // namespace
