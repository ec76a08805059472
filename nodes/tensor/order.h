// The order of values along an axis: what sort and top_k share. NaN counts as the largest value, as in PyTorch; of equal
// values the first comes first.
#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>

#include "loom/node.h"
#include "shape/axis.h"

namespace loom::nodes {

// `places` becomes the first `places.size()` of the places 0 ... count - 1 in the order of value(place).
template <class Value>
void first_in_order(std::span<std::int32_t> all, std::size_t wanted, bool descending, const Value& value) {
  std::iota(all.begin(), all.end(), 0);
  const auto less = [](float a, float b) { return std::isnan(b) ? !std::isnan(a) : a < b; };
  const auto before = [&](std::int32_t a, std::int32_t b) {
    const float x = value(a), y = value(b);
    if (descending ? less(y, x) : less(x, y)) return true;
    if (descending ? less(x, y) : less(y, x)) return false;
    return a < b;
  };
  if (wanted == all.size())
    std::sort(all.begin(), all.end(), before);
  else
    std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(wanted), all.end(), before);
}

// y [.., count, ..]: the first `count` values of each line along the axis, and their places.
class Ordered : public Node {
 public:
  Ordered(const Options& options, bool descending) : axis_(options.integer("axis")), descending_(descending) {}

  static void declare_ports(Contract& c, const std::string& what) {
    c.input("x", "[N, ...]", "values");
    c.output("y", "[N, ...]", what);
    c.output("index", "[N, ...]", "their places along the axis").dtype(DType::i32).no_gradient();
    c.option("axis", -1, integer(), "the axis; 1 is the first of a sample, negative counts from the end");
    c.backward_reads({"index"});
  }

  void prepare(const Prepare& p) override {
    const Shape& x = p.input(0);
    view_ = axis_view(x, resolved_axis(axis_, x.rank()), p.samples);
    count_ = p.output(0).count() / (view_.outer * view_.inner);
    places_ = p.scratch<std::int32_t>(view_.axis);
  }

  void forward(const Forward& f) const override {
    const float* x = f.input(0).data();
    const std::span<std::int32_t> places = places_(f);
    each_line([&](std::int64_t from, std::int64_t to) {
      const auto value = [&](std::int32_t place) { return x[from + place * view_.inner]; };
      first_in_order(places, static_cast<std::size_t>(count_), descending_, value);
      for (std::int64_t k = 0; k < count_; ++k) {
        const std::int32_t place = places[static_cast<std::size_t>(k)];
        f.output("y").data()[to + k * view_.inner] = value(place);
        f.output("index").data<std::int32_t>()[to + k * view_.inner] = place;
      }
    });
  }

  void backward(const Backward& b) const override {
    if (!b.wants_diff(0)) return;
    std::ranges::fill(b.diff_input(0).values(), 0.0F);
    const float* diff_y = b.diff_output("y").data();
    const auto* index = b.output("index").data<std::int32_t>();
    each_line([&](std::int64_t from, std::int64_t to) {
      for (std::int64_t k = 0; k < count_; ++k) {
        const std::int64_t at = to + k * view_.inner;
        b.diff_input(0).data()[from + index[at] * view_.inner] = diff_y[at];
      }
    });
  }

 private:
  // visit(start in x, start in y) of each line along the axis
  template <class Visit>
  void each_line(const Visit& visit) const {
    for (std::int64_t outer = 0; outer < view_.outer; ++outer) {
      for (std::int64_t inner = 0; inner < view_.inner; ++inner)
        visit(outer * view_.axis * view_.inner + inner, outer * count_ * view_.inner + inner);
    }
  }

  std::int64_t axis_, count_ = 0;
  bool descending_;
  AxisView view_;
  Slot<std::int32_t> places_;
};

}  // namespace loom::nodes
