// Nearest-neighbour upsampling: every position is repeated factor times along each spatial axis.
//   y [N, T f, C] from [N, T, C];   y [N, H fh, W fw, C] from [N, H, W, C];   [N, D, H, W, C] likewise
#include <algorithm>

#include "loom/math.h"
#include "loom/node.h"
#include "nn/window.h"

namespace {

using namespace loom::nodes;

class Upsample final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Nearest-neighbour upsampling");
    c.input("x", "[N, ...S, C]", "a sequence, an image or a volume");
    c.output("y", "[N, ...P, C]", "each position repeated");
    c.option("factor", 2, loom::integer().at_least(1).or_list(), "repetitions, or one count for each spatial axis");
    c.reads_window([](const loom::TimeWindowOf& of) -> std::optional<loom::TimeWindow> {
      if (of.from.rank() < 3) return std::nullopt;
      return loom::TimeWindow{.up = axis_option(of.options, "factor", 0, of.from.rank() - 2, 1)};
    });
    c.backward_reads({});
    c.linear();
  }
  static void infer(loom::ShapeInference& s) {
    const loom::Shape& x = s.input(0);
    if (!check_window(s, x)) return;
    const Factors f = factors(s.options(), x);
    const Image image = image_of(x);
    s.output("y", with_image(x, {image.n, image.d * f.d, image.h * f.h, image.w * f.w, image.c}));
  }
  explicit Upsample(const loom::Options& options) : options_(options) {}

  void prepare(const loom::Prepare& p) override { factors_ = factors(options_, p.input(0)); }

  void forward(const loom::Forward& f) const override {
    const Image image = image_of(f.input(0).shape());
    const float* from = f.input(0).data();
    float* to = f.output(0).data();
    const std::int64_t row = image.w * factors_.w * image.c, plane = image.h * factors_.h * row;
    for (std::int64_t p = 0; p < image.n * image.d; ++p) {
      float* first_plane = to;
      for (std::int64_t h = 0; h < image.h; ++h) {
        float* first = to;
        for (std::int64_t w = 0; w < image.w; ++w, from += image.c) {
          for (std::int64_t k = 0; k < factors_.w; ++k, to += image.c) std::copy_n(from, image.c, to);
        }
        for (std::int64_t k = 1; k < factors_.h; ++k, to += row) std::copy_n(first, row, to);
      }
      for (std::int64_t k = 1; k < factors_.d; ++k, to += plane) std::copy_n(first_plane, plane, to);
    }
  }

  void backward(const loom::Backward& b) const override {
    if (!b.wants_diff(0)) return;
    const Image image = image_of(b.diff_input(0).shape());
    const std::int64_t row = image.w * factors_.w * image.c, plane = image.h * factors_.h * row;
    float* out = b.diff_input(0).data();
    for (std::int64_t r = 0; r < image.n * image.d * image.h; ++r) {
      const float* rows = b.diff_output(0).data() + r / image.h * factors_.d * plane + r % image.h * factors_.h * row;
      for (std::int64_t w = 0; w < image.w; ++w, out += image.c) {
        std::fill_n(out, image.c, 0.0F);
        for (std::int64_t k = 0; k < factors_.d * factors_.h * factors_.w; ++k) {
          const std::int64_t kd = k / (factors_.h * factors_.w), kh = k / factors_.w % factors_.h, kw = k % factors_.w;
          loom::math::add(out, rows + kd * plane + kh * row + (w * factors_.w + kw) * image.c, out, image.c);
        }
      }
    }
  }

 private:
  struct Factors {
    std::int64_t d = 1, h = 1, w = 1;
  };
  static Factors factors(const loom::Options& options, const loom::Shape& x) {
    const int axes = x.rank() - 2;
    const auto of = [&](int axis) { return axis < 0 ? 1 : axis_option(options, "factor", axis, axes, 1); };
    return {of(axes - 3), of(axes - 2), of(axes - 1)};
  }
  loom::Options options_;
  Factors factors_;
};
LOOM_NODE(Upsample, "upsample")

}  // namespace
