// The positions of one axis in reverse order: a causal layer between two flips is anti-causal.
//   y[t] = x[T - 1 - t]
#include "loom/node.h"
#include "shape/axis.h"

namespace {

using namespace loom::nodes;

class Flip final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("The positions of one axis in reverse order");
    c.input("x", "[N, ...E]", "values").any_dtype();
    c.output("y", "[N, ...E]", "y[t] = x[T - 1 - t]").dtype_of("x");
    c.option("axis", -1, loom::integer(),
             "1 is the first of a sample, negative counts from the end; 0: the rows of a sample");
    c.reads_window(window_beside_axis);
    c.backward_reads({});
    c.linear();
  }
  static void infer(loom::ShapeInference& s) { check_moved_axis(s, s.options().integer("axis"), s.input(0)); }
  explicit Flip(const loom::Options& options) : axis_(options.integer("axis")) {}

  void forward(const loom::Forward& f) const override { copy_reversed(f.input(0), f.output(0), f.samples); }
  void backward(const loom::Backward& b) const override {
    if (b.wants_diff(0)) copy_reversed(b.diff_output(0), b.diff_input(0), b.samples);
  }

 private:
  void copy_reversed(const loom::TensorView& from, const loom::TensorView& to, std::int64_t samples) const {
    const AxisView view = axis_view(from.shape(), resolved_axis(axis_, from.shape().rank()), samples);
    with_values(from, to, [&](const auto* x, auto* y) {
      for (std::int64_t row = 0; row < view.outer * view.axis; ++row) {
        const std::int64_t position = row % view.axis, mirrored = row + view.axis - 1 - 2 * position;
        std::copy_n(x + row * view.inner, view.inner, y + mirrored * view.inner);
      }
    });
  }

  std::int64_t axis_;
};
LOOM_NODE(Flip, "flip")

}  // namespace
