// Cuts a tensor along one axis into up to eight parts, y0, y1, ...
//   parts: n        n equal parts
//   parts: [a, b]   parts of these extents
// Ports beyond the last part are absent: they have no axes.
#include <numeric>

#include "loom/node.h"
#include "shape/axis.h"

namespace {

using namespace loom::nodes;

constexpr int kMostParts = 8;

class Split final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Cuts a tensor along an axis");
    c.input("x", "[N, ...]", "the value to divide").any_dtype();
    for (int i = 0; i < kMostParts; ++i)
      c.output("y" + std::to_string(i), "[N, ...]", "part " + std::to_string(i)).dtype_of("x");
    c.option("axis", -1, loom::integer(), "0: the rows of each sample; negative counts from the end");
    c.option("parts", loom::required, loom::integer().at_least(1).or_list(),
             "number of equal parts, or their extents (2 to 8)");
    c.pointwise_if(along_channels);
    c.reads_window(window_beside_axis);
    c.backward_reads({});
    c.linear();
  }
  static void infer(loom::ShapeInference& s) {
    const loom::Shape& x = s.input(0);
    if (!check_axis(s, s.options().integer("axis"), x)) return;
    const int axis = resolved_axis(s.options().integer("axis"), x.rank());
    const std::vector<std::int64_t> extents = Split(s.options()).extents(extent_of(x, axis));
    const std::int64_t sum = std::accumulate(extents.begin(), extents.end(), std::int64_t{0});
    if (extents.size() > kMostParts || sum != extent_of(x, axis)) {
      s.fail("the parts do not add up to axis " + std::to_string(axis),
             s.options().values().at("parts").text() + " of " + x.text(), "at most 8 parts that cover the axis", 0);
      return;
    }
    for (std::size_t i = 0; i < kMostParts; ++i) {
      s.output("y" + std::to_string(i), i < extents.size() ? with_extent(x, axis, extents[i]) : loom::Shape());
    }
  }
  explicit Split(const loom::Options& options) : axis_(options.integer("axis")), parts_(options.integers("parts")) {
    equal_ = !options.is_list("parts");
  }

  void prepare(const loom::Prepare& p) override {
    extents_ = extents(axis_view(p.input(0), resolved_axis(axis_, p.input(0).rank()), p.samples).axis);
  }

  void forward(const loom::Forward& f) const override {
    const AxisView whole = axis_view(f.input(0).shape(), resolved_axis(axis_, f.input(0).shape().rank()), f.samples);
    std::int64_t start = 0;
    int port = 0;
    for (const std::int64_t extent : extents_) {
      const std::int64_t width = extent * whole.inner;
      copy_columns(f.input(0), whole.axis * whole.inner, start, f.output(port++), width, 0, width, whole.outer);
      start += width;
    }
  }

  void backward(const loom::Backward& b) const override {
    if (!b.wants_diff(0)) return;
    const loom::TensorView diff_x = b.diff_input(0);
    const AxisView whole = axis_view(diff_x.shape(), resolved_axis(axis_, diff_x.shape().rank()), b.samples);
    std::int64_t start = 0;
    int port = 0;
    for (const std::int64_t extent : extents_) {
      const std::int64_t width = extent * whole.inner;
      copy_columns(b.diff_output(port++), width, 0, diff_x, whole.axis * whole.inner, start, width, whole.outer);
      start += width;
    }
  }

 private:
  // The requested number of equal parts; if they do not cover the axis, infer() reports it.
  std::vector<std::int64_t> extents(std::int64_t whole) const {
    if (!equal_) return parts_;
    return std::vector<std::int64_t>(static_cast<std::size_t>(parts_.front()), whole / parts_.front());
  }

  std::int64_t axis_;
  std::vector<std::int64_t> parts_, extents_;
  bool equal_ = false;
};
LOOM_NODE(Split, "split")

}  // namespace
