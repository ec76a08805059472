// Positions [start, stop) of one axis.
#include <optional>

#include "loom/node.h"
#include "shape/axis.h"

namespace {

using namespace loom::nodes;

// A position that may count from the end.
std::int64_t position(std::int64_t value, std::int64_t extent) { return value < 0 ? value + extent : value; }

// False, with a diagnostic, if a position is beyond the axis.
bool check_ends(loom::ShapeInference& s, std::int64_t extent) {
  for (const char* name : {"start", "stop"}) {
    if (!s.options().has(name)) continue;
    const std::int64_t value = s.options().integer(name);
    if (value >= -extent && value <= extent) continue;
    s.fail(std::string("`") + name + "` is beyond the axis", std::to_string(value) + " of " + s.input(0).text(),
           "a position from " + std::to_string(-extent) + " to " + std::to_string(extent), 0);
    return false;
  }
  return true;
}

class Slice final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("A range of positions of one axis");
    c.input("x", "[N, ...]", "the value to cut from").any_dtype();
    c.output("y", "[N, ...]", "positions start to stop - 1").dtype_of("x");
    c.option("axis", -1, loom::integer(), "0: the rows of each sample; negative counts from the end");
    c.option("start", 0, loom::integer(), "first position; negative counts from the end");
    c.option("stop", loom::OptionValue(), loom::integer(), "position after the last; default: the end");
    c.pointwise_if(along_channels);
    c.reads_window(window_beside_axis);
    c.backward_reads({});
    c.linear();
  }
  static void infer(loom::ShapeInference& s) {
    const loom::Shape& x = s.input(0);
    if (!check_axis(s, s.options().integer("axis"), x)) return;
    const int axis = resolved_axis(s.options().integer("axis"), x.rank());
    if (!check_ends(s, extent_of(x, axis))) return;
    const Slice slice(s.options());
    const auto [start, stop] = slice.range(extent_of(x, axis));
    if (start >= stop) {
      s.fail("the slice is empty", std::to_string(start) + " to " + std::to_string(stop) + " of " + x.text(),
             "start < stop", 0);
      return;
    }
    s.output("y", with_extent(x, axis, stop - start));
  }
  explicit Slice(const loom::Options& options) : axis_(options.integer("axis")), start_(options.integer("start")) {
    if (options.has("stop")) stop_ = options.integer("stop");
  }

  void forward(const loom::Forward& f) const override {
    const Cut cut = cut_of(f.input(0).shape(), f.samples);
    copy_columns(f.input(0), cut.whole, cut.start, f.output(0), cut.width, 0, cut.width, cut.outer);
  }

  void backward(const loom::Backward& b) const override {
    if (!b.wants_diff(0)) return;
    const Cut cut = cut_of(b.diff_input(0).shape(), b.samples);
    std::ranges::fill(b.diff_input(0).values(), 0.0F);
    copy_columns(b.diff_output(0), cut.width, 0, b.diff_input(0), cut.whole, cut.start, cut.width, cut.outer);
  }

 private:
  struct Cut {
    std::int64_t outer, whole, start, width;  // in floats
  };
  std::pair<std::int64_t, std::int64_t> range(std::int64_t extent) const {
    return {position(start_, extent), stop_ ? position(*stop_, extent) : extent};
  }
  Cut cut_of(const loom::Shape& x, std::int64_t samples) const {
    const AxisView view = axis_view(x, resolved_axis(axis_, x.rank()), samples);
    const auto [start, stop] = range(view.axis);
    return {view.outer, view.axis * view.inner, start * view.inner, (stop - start) * view.inner};
  }

  std::int64_t axis_, start_;
  std::optional<std::int64_t> stop_;
};
LOOM_NODE(Slice, "slice")

}  // namespace
