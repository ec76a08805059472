// Broadcasting of events as in NumPy, from the last axis on: an extent of 1, or an axis that is missing, is repeated. The
// samples stay apart.
#pragma once

#include <algorithm>
#include <array>
#include <optional>

#include "loom/math.h"
#include "loom/node.h"

namespace loom::nodes {

// Infers the output `y` of a node that joins its inputs element by element.
inline void infer_broadcast(ShapeInference& s) {
  Shape y = s.input(0);
  int widest = 0;
  for (int i = 1; i < s.input_count(); ++i) {
    const Shape& x = s.input(i);
    if (x[0] != y[0])
      return s.fail("the inputs have different numbers of rows", x.text(), s.input(widest).text() + ", or alike", i);
    Shape joined{y[0]};
    const int rank = std::max(x.rank(), y.rank());
    for (int axis = 1; axis < rank; ++axis) {
      const int in_x = axis - (rank - x.rank()), in_y = axis - (rank - y.rank());
      const std::int64_t a = in_x < 1 ? 1 : x[in_x], b = in_y < 1 ? 1 : y[in_y];
      if (a != b && a != 1 && b != 1) {
        s.fail("the shapes cannot be broadcast together", x.text() + " with " + y.text(),
               "equal extents from the last axis on, or 1", i);
        return;
      }
      joined.push_back(std::max(a, b));
    }
    if (x.rank() > y.rank()) widest = i;
    y = joined;
  }
  s.output("y", y);
}

// Of an input that has the positions of the output: one with fewer axes has them at another place.
inline std::optional<TimeWindow> window_of_broadcast(const TimeWindowOf& of) {
  const bool same = of.from.rank() == of.to.rank() && of.from[1] == of.to[1];
  return same ? std::optional(TimeWindow()) : std::nullopt;
}

// One input of such a node, walked in the order of the output's values.
class Broadcast {
 public:
  Broadcast() = default;
  // Both shapes are concrete.
  Broadcast(const Shape& x, const Shape& y) : same_(x == y) {
    std::int64_t stride = 1;
    for (int axis = y.rank() - 1; axis >= 0; --axis) {
      const int in_x = axis == 0 ? 0 : axis - (y.rank() - x.rank());
      const bool here = axis == 0 || in_x >= 1;
      const std::int64_t extent = here ? x[in_x] : 1;
      const Axis next{y[axis], here && extent == y[axis] && extent > 1 ? stride : 0};
      if (here) stride *= extent;
      if (next.extent == 1) continue;
      Axis* inner = axes_ == 0 ? nullptr : &list_[static_cast<std::size_t>(axes_ - 1)];
      const bool joins = inner != nullptr && next.stride == inner->stride * inner->extent &&
                         (next.stride != 0) == (inner->stride != 0);
      if (joins)
        inner->extent *= next.extent;
      else
        list_[static_cast<std::size_t>(axes_++)] = next;
    }
    if (axes_ == 0) list_[static_cast<std::size_t>(axes_++)] = {1, 1};
  }

  bool same() const { return same_; }

  // run(first value of x, first value of y, how many, 1 or 0: the step in x)
  template <class Run>
  void each_run(const Run& run) const {
    const Axis inner = list_[0];
    std::array<std::int64_t, kMaxRank> at{};
    std::int64_t x = 0, rows = 1;
    for (int i = 1; i < axes_; ++i) rows *= list_[static_cast<std::size_t>(i)].extent;
    for (std::int64_t row = 0; row < rows; ++row) {
      run(x, row * inner.extent, inner.extent, inner.stride);
      for (std::size_t i = 1; i < static_cast<std::size_t>(axes_); ++i) {
        x += list_[i].stride;
        if (++at[i] < list_[i].extent) break;
        x -= list_[i].extent * list_[i].stride;
        at[i] = 0;
      }
    }
  }

  // The values of x where y has them.
  void spread(const float* x, float* y) const {
    each_run([&](std::int64_t from, std::int64_t to, std::int64_t count, std::int64_t step) {
      if (step == 0)
        std::fill_n(y + to, count, x[from]);
      else
        std::copy_n(x + from, count, y + to);
    });
  }
  // The reverse: x += the sums over what was repeated.
  void add_sums(const float* y, float* x) const {
    each_run([&](std::int64_t to, std::int64_t from, std::int64_t count, std::int64_t step) {
      if (step == 0)
        x[to] += static_cast<float>(math::sum(y + from, count));
      else
        math::add(x + to, y + from, x + to, count);
    });
  }

 private:
  struct Axis {
    std::int64_t extent, stride;
  };
  bool same_ = true;
  int axes_ = 0;
  std::array<Axis, kMaxRank> list_{};  // the innermost first
};

}  // namespace loom::nodes
