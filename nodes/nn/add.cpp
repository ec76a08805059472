// The element-wise sum of any number of tensors, broadcast as in NumPy: y = x0 + x1 + ...
#include <algorithm>
#include <cstring>

#include "loom/math.h"
#include "loom/node.h"
#include "nn/broadcast.h"
#include "nn/stored_rows.h"

namespace {

using namespace loom::nodes;

class Add final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("The element-wise sum");
    c.inputs("x", "[N, ...]", "terms, broadcast from the last axis on: an extent of 1 is repeated");
    c.output("y", "[N, ...]", "their sum");
    c.pointwise();
    c.takes_bf16();
    c.reads_window(window_of_broadcast);
    c.backward_reads({});
    c.linear();
  }
  static void infer(loom::ShapeInference& s) { infer_broadcast(s); }
  explicit Add(const loom::Options&) {}

  void prepare(const loom::Prepare& p) override {
    const std::int64_t count = p.output(0).count();
    for (const loom::TensorView& x : p.input_views) terms_.emplace_back(x.shape(), p.output(0));
    all_same_ = std::ranges::all_of(terms_, &Broadcast::same);
    rows_.prepare(p, count, 1);
    if (all_same_) return;
    spread_ = p.scratch<float>(count);
    if (!p.bf16) return;
    wide_x_ = p.scratch<float>(count);
    wide_y_ = p.scratch<float>(count);
  }

  void forward(const loom::Forward& f) const override {
    if (!all_same_) return broadcast(f);
    const loom::TensorView y = f.output(0);
    if (f.input_count() == 1) return copy(f, f.input(0), y);
    for (int i = 1; i < f.input_count(); ++i) {
      rows_.run(f, {i == 1 ? f.input(0) : y, f.input(i)}, y, [](const auto& from, float* sum, std::int64_t count) {
        loom::math::add(from[0], from[1], sum, count);
      });
    }
  }

  void backward(const loom::Backward& b) const override {
    const float* diff_y = all_same_ ? nullptr : values_in_f32(b.diff_output(0), wide_y_(b).data());
    for (int i = 0; i < b.input_count(); ++i) {
      if (!b.wants_diff(i)) continue;
      const Broadcast& term = terms_[static_cast<std::size_t>(i)];
      if (term.same())
        copy(b, b.diff_output(0), b.diff_input(i));
      else
        add_up(b, term, diff_y, b.diff_input(i));
    }
  }

 private:
  static bool is_bf16(const loom::TensorView& view) { return view.dtype() == loom::DType::bf16; }

  void broadcast(const loom::Forward& f) const {
    const loom::TensorView y = f.output(0);
    float* sum = is_bf16(y) ? wide_y_(f).data() : y.data();
    terms_[0].spread(values_in_f32(f.input(0), wide_x_(f).data()), sum);
    for (int i = 1; i < f.input_count(); ++i) {
      const float* x = values_in_f32(f.input(i), wide_x_(f).data());
      const Broadcast& term = terms_[static_cast<std::size_t>(i)];
      if (!term.same()) {
        term.spread(x, spread_(f).data());
        x = spread_(f).data();
      }
      loom::math::add(sum, x, sum, y.count());
    }
    if (is_bf16(y)) loom::math::to_bf16(sum, y.data<loom::BFloat16>(), y.count());
  }

  void add_up(const loom::Backward& b, const Broadcast& term, const float* diff_y, loom::TensorView diff) const {
    float* sums = is_bf16(diff) ? wide_x_(b).data() : diff.data();
    std::fill_n(sums, diff.count(), 0.0F);
    term.add_sums(diff_y, sums);
    if (is_bf16(diff)) loom::math::to_bf16(sums, diff.data<loom::BFloat16>(), diff.count());
  }

  void copy(const loom::Call& call, loom::TensorView from, loom::TensorView to) const {
    if (from.dtype() == to.dtype()) {
      std::memcpy(to.raw(), from.raw(), to.bytes());
      return;
    }
    rows_.run(call, {from}, to,
              [](const auto& values, float* result, std::int64_t count) { std::copy_n(values[0], count, result); });
  }

  std::vector<Broadcast> terms_;
  bool all_same_ = true;
  StoredRows rows_;
  loom::Slot<float> spread_;           // a term in the shape of the output
  loom::Slot<float> wide_x_, wide_y_;  // of bf16
};
LOOM_NODE(Add, "add")

}  // namespace
