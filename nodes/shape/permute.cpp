// Reorders the axes of an event.
//   order: [3, 1, 2]: y [N, C, H, W] from x [N, H, W, C]; axes count with the batch as axis 0, which stays first and
//   can be given: [0, 3, 1, 2].
#include <array>

#include "loom/node.h"
#include "shape/axis.h"

namespace {

using namespace loom::nodes;

class Permute final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Reorders the axes of an event");
    c.input("x", "[N, ...]", "the values").any_dtype();
    c.output("y", "[N, ...]", "the values with axis order[i] of x as its axis i + 1").dtype_of("x");
    c.option("order", loom::required, loom::integer_list(),
             "every axis except the batch once; the batch is axis 0; negative axes count from the end");
    c.reads_window([](const loom::TimeWindowOf& of) {
      const bool stays = resolved_axis(event_order(of.options).front(), of.from.rank()) == 1;
      return stays ? std::optional(loom::TimeWindow()) : std::nullopt;
    });
    c.backward_reads({});
    c.linear();
  }
  static void infer(loom::ShapeInference& s) {
    const loom::Shape& x = s.input(0);
    loom::Shape y({x[0]});
    std::vector<bool> seen(static_cast<std::size_t>(x.rank()), false);
    const std::vector<std::int64_t> order = event_order(s.options());
    for (std::int64_t item : order) {
      const int axis = resolved_axis(item, x.rank());
      if (axis < 1 || axis >= x.rank() || seen[static_cast<std::size_t>(axis)]) break;
      seen[static_cast<std::size_t>(axis)] = true;
      y.push_back(x[axis]);
    }
    if (y.rank() != x.rank() || order.size() + 1 != static_cast<std::size_t>(x.rank())) {
      s.fail("the order is not a permutation of the axes", s.options().values().at("order").text() + " of " + x.text(),
             "each of 1 to " + std::to_string(x.rank() - 1) + " once", 0);
      return;
    }
    s.output("y", y);
  }
  explicit Permute(const loom::Options& options) : order_(event_order(options)) {}

  void forward(const loom::Forward& f) const override {
    with_values(f.input(0), f.output(0), [&](const auto* x, auto* y) {
      walk(f.input(0).shape(), [x, y](std::int64_t i, std::int64_t j) { y[j] = x[i]; });
    });
  }
  void backward(const loom::Backward& b) const override {
    if (!b.wants_diff(0)) return;
    walk(b.diff_input(0).shape(),
         [x = b.diff_input(0).data(), y = b.diff_output(0).data()](std::int64_t i, std::int64_t j) { x[i] = y[j]; });
  }

 private:
  static std::vector<std::int64_t> event_order(const loom::Options& options) {
    std::vector<std::int64_t> order = options.integers("order");
    if (!order.empty() && order.front() == 0) order.erase(order.begin());
    return order;
  }

  // Calls visit(index in x, index in y) for every element, in the order of y.
  template <class Visit>
  void walk(const loom::Shape& x, Visit visit) const {
    const int axes = static_cast<int>(order_.size());
    std::array<std::int64_t, loom::kMaxRank> extents{}, strides{}, at{};
    for (int i = 0; i < axes; ++i) {
      const int axis = resolved_axis(order_[static_cast<std::size_t>(i)], x.rank());
      extents[static_cast<std::size_t>(i)] = x[axis];
      strides[static_cast<std::size_t>(i)] = x.count_from(axis + 1);
    }
    const auto last = static_cast<std::size_t>(axes - 1);
    const std::int64_t event = x.count_from(1), rows = event / extents[last];
    std::int64_t j = 0;
    for (std::int64_t n = 0; n < x[0]; ++n) {
      std::int64_t start = n * event;
      at.fill(0);
      for (std::int64_t row = 0; row < rows; ++row) {
        for (std::int64_t k = 0; k < extents[last]; ++k) visit(start + k * strides[last], j++);
        for (std::size_t i = last; i-- > 0;) {  // the next row: increments from the last axis but one
          start += strides[i];
          if (++at[i] < extents[i]) break;
          start -= extents[i] * strides[i];
          at[i] = 0;
        }
      }
    }
  }

  std::vector<std::int64_t> order_;
};
LOOM_NODE(Permute, "permute")

}  // namespace
