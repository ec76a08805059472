// Repeats each sample along the batch, for several draws of the same sample.
//   y [times N, ...]: `times` rows per sample, one after the other
#include <algorithm>

#include "loom/math.h"
#include "loom/node.h"
#include "shape/axis.h"

namespace {

class Repeat final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Each sample several times, along the batch");
    c.input("x", "[N, ...E]", "samples").any_dtype();
    c.output("y", "[N, ...E]", "each sample `times` times in a row; the batch axis is `times` as long").dtype_of("x");
    c.option("times", loom::required, loom::integer().at_least(1), "rows per sample");
    c.backward_reads({});
    c.linear();
  }
  static void infer(loom::ShapeInference& s) {
    loom::Shape shape = s.input(0);
    shape[0] *= s.options().integer("times");
    s.output("y", shape);
  }
  explicit Repeat(const loom::Options& options) : times_(options.integer("times")) {}

  void forward(const loom::Forward& f) const override {
    const loom::TensorView x = f.input(0), y = f.output(0);
    loom::nodes::with_values(x, y, [&, width = x.per_sample()](const auto* from, auto* to) {
      for (std::int64_t row = 0; row < y.samples(); ++row)
        std::copy_n(from + row / times_ * width, width, to + row * width);
    });
  }
  void backward(const loom::Backward& b) const override {
    if (!b.wants_diff(0)) return;
    const loom::TensorView diff_x = b.diff_input(0), diff_y = b.diff_output(0);
    for (std::int64_t n = 0; n < diff_x.samples(); ++n) {
      std::ranges::copy(diff_y[n * times_], diff_x[n].begin());
      for (std::int64_t k = 1; k < times_; ++k)
        loom::math::add(diff_x[n].data(), diff_y[n * times_ + k].data(), diff_x[n].data(), diff_x.per_sample());
    }
  }

 private:
  std::int64_t times_;
};
LOOM_NODE(Repeat, "repeat")

}  // namespace
