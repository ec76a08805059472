// Nearest-neighbour upsampling: every position is repeated factor (x factor) times.
//   y [N, T f, C] from [N, T, C];   y [N, H fh, W fw, C] from [N, H, W, C]
#include <algorithm>
#include <tuple>

#include "loom/math.h"
#include "loom/node.h"
#include "nn/window.h"

namespace {

using namespace loom::nodes;

class Upsample final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Nearest-neighbour upsampling");
    c.input("x", "[N, ...S, C]", "a sequence or an image");
    c.output("y", "[N, ...P, C]", "each position repeated");
    c.option("factor", 2, loom::integer().at_least(1).or_list(), "repetitions, or one count for each spatial axis");
    c.reads_window([](const loom::TimeWindowOf& of) -> std::optional<loom::TimeWindow> {
      if (of.from.rank() < 3) return std::nullopt;
      return loom::TimeWindow{.up = axis_option(of.options, "factor", 0, of.from.rank() - 2, 1)};
    });
    c.backward_reads({});
  }
  static void infer(loom::ShapeInference& s) {
    const loom::Shape& x = s.input(0);
    if (!check_window(s, x)) return;
    const auto [fh, fw] = factors(s.options(), x);
    const Image image = image_of(x);
    s.output("y", with_image(x, image.h * fh, image.w * fw, image.c));
  }
  explicit Upsample(const loom::Options& options) : options_(options) {}

  void prepare(const loom::Prepare& p) override { std::tie(fh_, fw_) = factors(options_, p.input(0)); }

  void forward(const loom::Forward& f) const override {
    const Image image = image_of(f.input(0).shape());
    const float* from = f.input(0).data();
    float* to = f.output(0).data();
    const std::int64_t row = image.w * fw_ * image.c;
    for (std::int64_t r = 0; r < image.n * image.h; ++r) {
      float* first = to;
      for (std::int64_t w = 0; w < image.w; ++w, from += image.c) {
        for (std::int64_t k = 0; k < fw_; ++k, to += image.c) std::copy_n(from, image.c, to);
      }
      for (std::int64_t k = 1; k < fh_; ++k, to += row) std::copy_n(first, row, to);
    }
  }

  void backward(const loom::Backward& b) const override {
    if (!b.wants_diff(0)) return;
    const Image image = image_of(b.diff_input(0).shape());
    const std::int64_t row = image.w * fw_ * image.c;
    float* out = b.diff_input(0).data();
    for (std::int64_t r = 0; r < image.n * image.h; ++r) {
      const float* rows = b.diff_output(0).data() + r * fh_ * row;
      for (std::int64_t w = 0; w < image.w; ++w, out += image.c) {
        std::fill_n(out, image.c, 0.0F);
        for (std::int64_t k = 0; k < fh_ * fw_; ++k) {
          loom::math::add(out, rows + k / fw_ * row + (w * fw_ + k % fw_) * image.c, out, image.c);
        }
      }
    }
  }

 private:
  static std::pair<std::int64_t, std::int64_t> factors(const loom::Options& options, const loom::Shape& x) {
    const int axes = x.rank() - 2;
    const std::int64_t last = axis_option(options, "factor", axes - 1, axes, 1);
    return {axes == 1 ? 1 : axis_option(options, "factor", 0, axes, 1), last};
  }
  loom::Options options_;
  std::int64_t fh_ = 1, fw_ = 1;
};
LOOM_NODE(Upsample, "upsample")

}  // namespace
