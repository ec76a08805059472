// Joins tensors along one axis; the other axes must agree.
//   y [.., sum of a_i, ..] from x_i [.., a_i, ..]
// A number for each sample, [N], is a column [N, 1] where the axis counts from the end.
#include "loom/node.h"
#include "shape/axis.h"

namespace {

using namespace loom::nodes;

class Concat final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Joins tensors along an axis");
    c.inputs("x", "[N, ...]", "the parts, in order").any_dtype();
    c.output("y", "[N, ...]", "the joined values").dtype_of("x");
    c.option("axis", -1, loom::integer(),
             "0: the rows of each sample; negative counts from the end, where a number of each sample [N] is a column");
    c.pointwise_if(along_channels);
    c.reads_window(window_beside_axis);
    c.backward_reads({});
    c.linear();
  }
  static void infer(loom::ShapeInference& s) {
    const loom::Shape first = column(s.input(0), s.options().integer("axis"));
    if (!check_axis(s, s.options().integer("axis"), first)) return;
    const int axis = resolved_axis(s.options().integer("axis"), first.rank());
    std::int64_t extent = 0;
    for (int i = 0; i < s.input_count(); ++i) {
      const loom::Shape shape = column(s.input(i), s.options().integer("axis"));
      const bool same_rank = shape.rank() == first.rank();
      if (!same_rank || !(with_extent(shape, axis, 1) == with_extent(first, axis, 1))) {
        s.fail("all parts must have the same shape, except along axis " + std::to_string(axis), shape.text(),
               first.text(), i);
        return;
      }
      extent += extent_of(shape, axis);
    }
    s.output("y", with_extent(first, axis, extent));
  }
  explicit Concat(const loom::Options& options) : axis_(options.integer("axis")) {}

  void prepare(const loom::Prepare& p) override {
    for (std::size_t i = 0; i < p.input_views.size(); ++i) {
      const loom::Shape shape = column(p.input(static_cast<int>(i)), axis_);
      const AxisView part = axis_view(shape, resolved_axis(axis_, shape.rank()), p.samples);
      widths_.push_back(part.axis * part.inner);
      outer_ = part.outer;
    }
    whole_ = p.output(0).count() / outer_;
  }

  void forward(const loom::Forward& f) const override {
    std::int64_t start = 0;
    for (int i = 0; i < f.input_count(); ++i) {
      const std::int64_t width = widths_[static_cast<std::size_t>(i)];
      copy_columns(f.input(i), width, 0, f.output(0), whole_, start, width, outer_);
      start += width;
    }
  }

  void backward(const loom::Backward& b) const override {
    std::int64_t start = 0;
    for (int i = 0; i < b.input_count(); ++i) {
      const std::int64_t width = widths_[static_cast<std::size_t>(i)];
      if (b.wants_diff(i)) copy_columns(b.diff_output(0), whole_, start, b.diff_input(i), width, 0, width, outer_);
      start += width;
    }
  }

 private:
  static loom::Shape column(loom::Shape shape, std::int64_t axis) {
    if (shape.rank() == 1 && axis < 0) shape.push_back(1);
    return shape;
  }

  std::int64_t axis_;
  std::int64_t outer_ = 1, whole_ = 0;  // rows, and floats of an output row
  std::vector<std::int64_t> widths_;    // floats of an input row
};
LOOM_NODE(Concat, "concat")

}  // namespace
