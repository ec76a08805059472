// Moves values along one axis; zeros take the places that become free. Shifted by 1, the input of an autoregressive
// model holds at position t what came before t.
//   y[t] = x[t - by] where there is such a position, else 0
#include <cstdlib>

#include "graph/registry.h"
#include "shape/axis.h"

namespace {

using namespace loom::nodes;

class Shift final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Moves values along one axis; zeros take the places that become free");
    c.input("x", "[N, ...E]", "values");
    c.output("y", "[N, ...E]", "y[t] = x[t - by], or 0");
    c.option("axis", -1, loom::integer(), "0 is the batch; negative counts from the end");
    c.option("by", 1, loom::integer(), "positions, towards the end; negative: towards the start");
    c.backward_reads({});
  }
  static void infer(loom::ShapeInference& s) { check_axis(s, s.options().integer("axis"), s.input(0)); }
  explicit Shift(const loom::Options& options) : axis_(options.integer("axis")), by_(options.integer("by")) {}

  void forward(const loom::Forward& f) const override { move(f.input(0), f.output(0), by_, f.samples); }
  void backward(const loom::Backward& b) const override {
    if (b.wants_diff(0)) move(b.diff_output(0), b.diff_input(0), -by_, b.samples);
  }

 private:
  void move(const loom::TensorView& from, const loom::TensorView& to, std::int64_t by, std::int64_t samples) const {
    const AxisView view = axis_view(from.shape(), resolved_axis(axis_, from.shape().rank()), samples);
    by = std::clamp(by, -view.axis, view.axis);
    const std::int64_t width = view.axis * view.inner, kept = (view.axis - std::abs(by)) * view.inner;
    std::fill_n(to.data(), view.outer * width, 0.0F);
    copy_columns(from.data(), width, std::max(-by, std::int64_t{0}) * view.inner, to.data(), width,
                 std::max(by, std::int64_t{0}) * view.inner, kept, view.outer);
  }

  std::int64_t axis_, by_;
};
LOOM_NODE(Shift, "shift")

}  // namespace
