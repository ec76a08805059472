// A convolution that sees only earlier positions in raster order: the rows above, and the positions to the left in the
// same row. With mask A a position does not see itself (for the first layer, whose output predicts that position); with
// mask B it does (for all other layers).
//   y[t, f] = activation(b[f] + sum over c and visible k of W[f, c, k] x[t + k - K/2, c])
//   x [N, T, C] or [N, H, W, C], W [filters, C, kernel...]
// W has the shape of an unmasked kernel; the masked entries have no influence, no gradient, and no cost.
// van den Oord et al. 2016, Pixel Recurrent Neural Networks, section 3.4.
#include <memory>

#include "autoregressive/causal.h"
#include "dnnl/vector_loops.h"
#include "loom/node.h"
#include "nn/fused_activation.h"
#include "nn/window.h"

namespace {

using namespace loom::nodes;
using loom::Filled;

class MaskedConv final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Convolution that sees earlier positions only, in raster order");
    c.source("van den Oord et al. 2016, Pixel Recurrent Neural Networks, section 3.4");
    c.input("x", "[N, ...S, C]", "a sequence or an image");
    c.output("y", "[N, ...S, filters]", "activation(W * x + b) over the visible positions");
    c.option("filters", loom::required, loom::integer().at_least(1), "channels of the output");
    c.option("kernel", loom::required, loom::integer().at_least(1).or_list(),
             "extent of the unmasked window, odd, or one for each spatial axis");
    c.option("mask", "B", loom::text({"A", "B"}), "A: a position does not see itself; B: it does");
    c.option("bias", true, loom::flag(), "adds a learned value to each filter");
    FusedActivation::declare(c);
    c.parameter("weight", "[filters, C, ...K]", loom::kaiming_uniform(), "W, the whole window").scales_outputs();
    c.parameter("bias", "[filters]", loom::kaiming_uniform("weight"), "b")
        .shifts_outputs()
        .only_if([](const loom::Options& o) { return o.flag("bias"); });
    c.causal("S");
    c.reads_window([](const loom::TimeWindowOf& of) -> std::optional<loom::TimeWindow> {
      if (of.from.rank() < 3) return std::nullopt;
      // In an image, mask A hides a position, not the row that it is in.
      const bool strict = of.from.rank() == 3 && of.options.text("mask") == "A";
      return loom::TimeWindow{1, 1, window_axis(of.options, 0, of.from.rank() - 2).kernel / 2, strict ? -1 : 0};
    });
    c.backward_reads({"x", "y"});
  }

  static void infer(loom::ShapeInference& s) {
    const loom::Shape& x = s.input(0);
    if (!check_window(s, x, 2)) return;
    const Window window = window_of(s.options(), x.rank() - 2);
    const std::int64_t kh = window.h.kernel, kw = window.w.kernel;
    s.bind_run("K", x.rank() == 3 ? std::vector{kw} : std::vector{kh, kw});
    if (kh % 2 == 0 || kw % 2 == 0) {
      s.fail("the window has no centre", extents_text(window, x.rank() - 2), "an odd kernel", 0);
    } else if (kh == 1 && kw == 1 && s.options().text("mask") == "A") {
      s.fail("no position is visible", "kernel 1 and mask A", "a larger kernel, or mask B", 0);
    }
  }

  explicit MaskedConv(const loom::Options& options)
      : options_(options), activation_(options), bias_(options.flag("bias")), strict_(options.text("mask") == "A") {}

  void prepare(const loom::Prepare& p) override {
    const Image image = image_of(p.input(0));
    filters_ = p.output(0).back();
    product_ = std::make_unique<CausalProduct>(loom::dnnl::CausalProductShape{.height = image.h,
                                                                              .width = image.w,
                                                                              .filters = filters_,
                                                                              .sources = {source(p.input(0))},
                                                                              .bias = bias_,
                                                                              .relu = activation_.relu(),
                                                                              .backward = p.backward,
                                                                              .bf16 = p.bf16 && p.backward,
                                                                              .samples = p.incremental ? image.n : 0});
    work_ = p.scratch<std::byte>(product_->scratch_bytes());
    if (p.backward) sums_ = p.scratch<float>(product_->sum_count());
    activation_.prepare(p, p.output(0).count());
    packed_ = p.packed<std::byte>(product_->packed_bytes());
  }

  void pack(const loom::Pack& p) const override {
    const float* weight = p.parameter("weight").data();
    product_->pack(&weight, packed_(p).data());
  }

  void forward(const loom::Forward& f) const override {
    const loom::TensorView x = f.input(0), y = f.output(0);
    for (std::int64_t n = 0; n < x.samples(); ++n) {
      const float* image = sample_of(x, n);
      product_->for_each_chunk([&](std::int64_t first, std::int64_t last) {
        product_->forward(&image, first, last, packed_(f).data(), bias(f),
                          y.data() + n * y.per_sample() + first * filters_, work_(f).data());
      });
    }
    activation_.apply(f, y);
  }

  void backward(const loom::Backward& b) const override {
    void* work = work_(b).data();
    const loom::TensorView x = b.input(0);
    const auto* diff = static_cast<const float*>(activation_.gradient(b, b.output(0), b.diff_output(0)));
    const std::int64_t event = product_->positions() * filters_;
    if (b.wants_diff(0)) {
      std::ranges::fill(b.diff_input(0).values(), 0.0F);
      for (std::int64_t n = 0; n < x.samples(); ++n) {
        float* diff_image = gradient_of(b.diff_input(0), n);
        product_->for_each_chunk([&](std::int64_t first, std::int64_t last) {
          product_->backward_data(diff + n * event + first * filters_, first, last, packed_(b).data(), &diff_image,
                                  work);
        });
      }
    }
    if (b.wants_parameter_diff("weight")) {
      const std::span<float> sums = sums_(b);
      std::ranges::fill(sums, 0.0F);
      for (std::int64_t n = 0; n < x.samples(); ++n) {
        const float* image = sample_of(x, n);
        product_->backward_weights(&image, diff + n * event, 0, product_->positions(), sums.data(), work);
      }
      product_->add_weight_gradient(0, sums.data(), b.diff_parameter("weight").data());
    }
    if (b.wants_parameter_diff("bias"))
      loom::dnnl::add_column_sums(diff, x.samples() * product_->positions(), filters_, b.diff_parameter("bias").data());
  }

  // Position t needs only positions strictly before t.
  Filled filled(std::span<const Filled> inputs, int) const override {
    return strict_ && inputs[0] == Filled::before ? Filled::through : inputs[0];
  }

  void advance(const loom::Advance& a) const override {
    a.expect_map(product_->height(), product_->width());
    const loom::Advance::Range range = a.range(0);
    if (range.count == 0) return;
    const float* x = a.input(0).data();
    float* y = loom::Advance::at(a.output(0), range.first);
    product_->advance(&x, range.first, range.count, packed_(a).data(), bias(a), y, work_(a).data());
    const std::int64_t rows = range.count * a.samples;
    activation_.apply(a, {loom::DType::f32, {rows, filters_}, y});
  }

  std::string implementation(bool) const override { return product_->implementation(); }
  double forward_flop(const loom::Prepare& p) const override {
    return static_cast<double>(p.input(0)[0]) * product_->flop();
  }

 private:
  const float* bias(const loom::Call& call) const { return bias_ ? call.parameter("bias").data() : nullptr; }

  loom::dnnl::CausalSource source(const loom::Shape& x) const {
    const Window window = window_of(options_, x.rank() - 2);
    const std::int64_t kh = window.h.kernel, kw = window.w.kernel;
    loom::dnnl::CausalSource result{.channels = x.back(), .kernel = kh * kw, .runs = {}};
    for (std::int64_t row = 0; row < kh / 2; ++row) add_run(result.runs, row - kh / 2, -(kw / 2), kw, row * kw);
    add_run(result.runs, 0, -(kw / 2), kw / 2 + (strict_ ? 0 : 1), kh / 2 * kw);
    return result;
  }

  loom::Options options_;
  FusedActivation activation_;
  bool bias_, strict_;
  std::int64_t filters_ = 0;
  loom::Slot<std::byte> work_;  // work memory of the product
  loom::Slot<float> sums_;      // the weight's gradient, in the layout of the product
  loom::PackedSlot<std::byte> packed_;
  std::unique_ptr<const CausalProduct> product_;
};
LOOM_NODE(MaskedConv, "masked_conv")

}  // namespace
