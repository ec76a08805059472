// Values at given places of one axis.
//   y[n, b.., i.., r..] = x[n, b.., index[n, b.., i..], r..]      x [N, B.., L, R..], index [N, B.., I..]
// B are the axes before the axis, which x and index share; the axes I of the places stand where the axis was: tokens
// [N, T, C] at places [N, K] are [N, K, C].
//   aligned: index has the rank of x and its extents but along the axis, as sort and top_k give it:
//   y[n, b.., k, r..] = x[n, b.., index[n, b.., k, r..], r..]
#include <fmt/format.h>

#include "loom/error.h"
#include "loom/math.h"
#include "shape/axis.h"

namespace {

using namespace loom::nodes;

class Gather final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Values at given places of an axis");
    c.input("x", "[N, ...]", "the values to choose from").any_dtype();
    c.input("index", "[N, ...]", "places along the axis, from 0 to its extent less 1")
        .dtype(loom::DType::i32)
        .no_gradient()
        .between(0, std::numeric_limits<std::int32_t>::max());
    c.output("y", "[N, ...]", "the values at these places").dtype_of("x");
    c.option("axis", 1, loom::integer(), "the axis of x; 1 is the first of a sample, negative counts from the end");
    c.option("aligned", false, loom::flag(),
             "index has the shape of x but along the axis, and chooses for each place of the other axes");
    c.backward_reads({"index"});
    c.linear();
  }

  static void infer(loom::ShapeInference& s) {
    const loom::Shape &x = s.input("x"), &index = s.input("index");
    if (!check_event_axis(s, s.options().integer("axis"), x)) return;
    const int axis = resolved_axis(s.options().integer("axis"), x.rank());
    const bool aligned = s.options().flag("aligned");
    bool fits = aligned ? index.rank() == x.rank() : index.rank() >= axis;
    for (int i = 0; i < (aligned ? x.rank() : axis) && fits; ++i) fits = i == axis || index[i] == x[i];
    if (!fits) {
      return s.fail("the index does not fit the values",
                    fmt::format("{} for axis {} of {}", index.text(), axis, x.text()),
                    aligned ? "the shape of x but along the axis" : "the axes of x before this one, then any",
                    s.input_index("index"));
    }
    loom::Shape y;
    for (int i = 0; i < axis; ++i) y.push_back(x[i]);
    for (int i = axis; i < index.rank(); ++i) y.push_back(index[i]);
    for (int i = axis + 1; i < x.rank() && !aligned; ++i) y.push_back(x[i]);
    s.output("y", y);
  }

  explicit Gather(const loom::Options& o) : axis_(o.integer("axis")), aligned_(o.flag("aligned")) {}

  void prepare(const loom::Prepare& p) override {
    const loom::Shape& x = p.input("x");
    view_ = axis_view(x, resolved_axis(axis_, x.rank()), p.samples);
    chosen_ = p.output(0).count() / (view_.outer * view_.inner);
  }

  void forward(const loom::Forward& f) const override {
    check_places(f);
    with_values(f.input("x"), f.output(0), [&](const auto* x, auto* y) {
      walk(f.input("index").data<std::int32_t>(),
           [&](std::int64_t from, std::int64_t to, std::int64_t width) { std::copy_n(x + from, width, y + to); });
    });
  }

  // A place that is chosen twice gets both gradients.
  void backward(const loom::Backward& b) const override {
    if (!b.wants_diff("x")) return;
    float* diff_x = b.diff_input("x").data();
    const float* diff_y = b.diff_output(0).data();
    std::fill_n(diff_x, b.diff_input("x").count(), 0.0F);
    walk(b.input("index").data<std::int32_t>(), [&](std::int64_t from, std::int64_t to, std::int64_t width) {
      loom::math::add(diff_x + from, diff_y + to, diff_x + from, width);
    });
  }

 private:
  void check_places(const loom::Forward& f) const {
    const loom::TensorView index = f.input("index");
    const std::int32_t* places = index.data<std::int32_t>();
    for (std::int64_t i = 0; i < index.count(); ++i) {
      if (places[i] >= 0 && places[i] < view_.axis) continue;
      throw loom::Error(loom::ErrorCode::out_of_range,
                        fmt::format("sample {} has the index {}, but the places of the axis are 0 to {}",
                                    f.first_sample + i * f.samples / index.count(), places[i], view_.axis - 1));
    }
  }

  // visit(place in x, place in y, how many values lie together)
  template <class Visit>
  void walk(const std::int32_t* index, const Visit& visit) const {
    std::int64_t to = 0;
    for (std::int64_t outer = 0; outer < view_.outer; ++outer) {
      const std::int64_t start = outer * view_.axis * view_.inner;
      for (std::int64_t k = 0; k < chosen_; ++k) {
        if (!aligned_) {
          visit(start + *index++ * view_.inner, to, view_.inner);
          to += view_.inner;
          continue;
        }
        for (std::int64_t i = 0; i < view_.inner; ++i) visit(start + *index++ * view_.inner + i, to++, std::int64_t{1});
      }
    }
  }

  std::int64_t axis_, chosen_ = 0;
  bool aligned_;
  AxisView view_;
};
LOOM_NODE(Gather, "gather")

}  // namespace
