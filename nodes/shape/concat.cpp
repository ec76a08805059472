// Joins tensors along one axis; the others must agree.
//   y [.., sum of a_i, ..] from x_i [.., a_i, ..]
#include "graph/registry.h"
#include "shape/axis.h"

namespace {

using namespace loom::nodes;

class Concat final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Joins tensors along an axis");
    c.inputs("x", "[N, ...]", "the parts, in order");
    c.output("y", "[N, ...]", "the whole");
    c.option("axis", -1, loom::integer(), "0 is the batch; negative counts from the end");
    c.backward_reads({});
  }
  static void infer(loom::ShapeInference& s) {
    const loom::Shape& first = s.input(0);
    if (!check_axis(s, s.options().integer("axis"), first)) return;
    const int axis = resolved_axis(s.options().integer("axis"), first.rank());
    std::int64_t extent = 0;
    for (int i = 0; i < s.input_count(); ++i) {
      const loom::Shape& shape = s.input(i);
      const bool same_rank = shape.rank() == first.rank();
      if (!same_rank || !(with_extent(shape, axis, 1) == with_extent(first, axis, 1))) {
        s.fail("all parts must agree but for axis " + std::to_string(axis), shape.text(), first.text(), i);
        return;
      }
      extent += extent_of(shape, axis);
    }
    s.output("y", with_extent(first, axis, extent));
  }
  explicit Concat(const loom::Options& options) : axis_(options.integer("axis")) {}

  void forward(const loom::Forward& f) const override {
    const loom::TensorView y = f.output(0);
    std::int64_t start = 0;
    for (int i = 0; i < f.input_count(); ++i) {
      const AxisView part = view(f.input(i).shape(), f.samples), whole = view(y.shape(), f.samples);
      const std::int64_t width = part.axis * part.inner;
      copy_columns(f.input(i).data(), width, 0, y.data(), whole.axis * whole.inner, start, width, part.outer);
      start += width;
    }
  }

  void backward(const loom::Backward& b) const override {
    const loom::TensorView diff_y = b.diff_output(0);
    std::int64_t start = 0;
    for (int i = 0; i < b.input_count(); ++i) {
      const AxisView part = view(b.input(i).shape(), b.samples), whole = view(diff_y.shape(), b.samples);
      const std::int64_t width = part.axis * part.inner;
      if (b.wants_diff(i)) {
        copy_columns(diff_y.data(), whole.axis * whole.inner, start, b.diff_input(i).data(), width, 0, width, part.outer);
      }
      start += width;
    }
  }

 private:
  AxisView view(const loom::Shape& shape, std::int64_t samples) const {
    return axis_view(shape, resolved_axis(axis_, shape.rank()), samples);
  }
  std::int64_t axis_;
};
LOOM_NODE(Concat, "concat")

}  // namespace
