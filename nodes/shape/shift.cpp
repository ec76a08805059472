// Moves values along one axis; zeros fill the positions that become free. Shifted by 1, the input of an autoregressive
// model has at position t the value of position t - 1.
//   y[t] = x[t - by] if that position exists, otherwise 0
#include <cstdlib>

#include "loom/advance.h"
#include "loom/error.h"
#include "loom/node.h"
#include "shape/axis.h"

namespace {

using namespace loom::nodes;

class Shift final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Moves values along one axis; zeros fill the positions that become free");
    c.input("x", "[N, ...E]", "values").any_dtype();
    c.output("y", "[N, ...E]", "y[t] = x[t - by], or 0").dtype_of("x");
    c.option("axis", -1, loom::integer(),
             "1 is the first of a sample, negative counts from the end; 0: the rows of a sample");
    c.option("by", 1, loom::integer(), "positions, towards the end; negative: towards the start");
    c.causal_if("the shifted axis", [](const loom::Options& o) { return o.integer("by") >= 0; });
    c.reads_window([](const loom::TimeWindowOf& of) -> std::optional<loom::TimeWindow> {
      const int axis = resolved_axis(of.options.integer("axis"), of.from.rank());
      const std::int64_t by = axis == 1 ? of.options.integer("by") : 0;
      return axis > 0 ? std::optional(loom::TimeWindow{1, 1, by, -by}) : std::nullopt;
    });
    c.backward_reads({});
    c.linear();
  }
  static void infer(loom::ShapeInference& s) { check_moved_axis(s, s.options().integer("axis"), s.input(0)); }
  explicit Shift(const loom::Options& options) : axis_(options.integer("axis")), by_(options.integer("by")) {}

  void prepare(const loom::Prepare& p) override { x_ = p.input(0); }

  void forward(const loom::Forward& f) const override { move(f.input(0), f.output(0), by_, f.samples); }
  void backward(const loom::Backward& b) const override {
    if (b.wants_diff(0)) move(b.diff_output(0), b.diff_input(0), -by_, b.samples);
  }

  // Position t needs only positions strictly before t.
  loom::Filled filled(std::span<const loom::Filled> inputs, int) const override {
    if (by_ < 0) throw not_supported("a shift towards the start reads positions that are not drawn yet");
    return by_ > 0 && inputs[0] == loom::Filled::before ? loom::Filled::through : inputs[0];
  }

  void advance(const loom::Advance& a) const override {
    const std::int64_t extent = a.input(0).per_sample(), row = resolved_axis(axis_, x_.rank()) == row_axis(a) ? 1 : 0;
    const loom::Advance::Range range = a.range(0);
    with_values(a.input(0), a.output(0), [&](const auto* x, auto* y) {
      for (std::int64_t position = range.first; position < range.first + range.count; ++position) {
        const bool there = row == 1 ? position % a.width >= by_ : position / a.width >= by_;
        if (there)
          std::copy_n(x + (position - by_ * (row == 1 ? 1 : a.width)) * extent, extent, y + position * extent);
        else
          std::fill_n(y + position * extent, extent, 0);
      }
    });
  }

 private:
  static loom::Error not_supported(const char* why) { return {loom::ErrorCode::not_supported, why}; }

  // The axis along a row of positions; the axis before it is that of the rows of an image.
  int row_axis(const loom::Advance& a) const {
    const int axis = resolved_axis(axis_, x_.rank());
    const int last = x_.rank() > 2 && x_[1] == a.height && x_[2] == a.width && a.height > 1 ? 2 : 1;
    if (axis < 1 || axis > last) throw not_supported("only a shift along the positions is causal");
    return last;
  }

  void move(const loom::TensorView& from, const loom::TensorView& to, std::int64_t by, std::int64_t samples) const {
    const AxisView view = axis_view(from.shape(), resolved_axis(axis_, from.shape().rank()), samples);
    by = std::clamp(by, -view.axis, view.axis);
    const std::int64_t width = view.axis * view.inner, kept = (view.axis - std::abs(by)) * view.inner;
    with_values(from, to, [&](const auto*, auto* y) { std::fill_n(y, view.outer * width, 0); });
    copy_columns(from, width, std::max(-by, std::int64_t{0}) * view.inner, to, width,
                 std::max(by, std::int64_t{0}) * view.inner, kept, view.outer);
  }

  std::int64_t axis_, by_;
  loom::Shape x_;
};
LOOM_NODE(Shift, "shift")

}  // namespace
