// The element-wise sum of any number of tensors of one shape: y = x0 + x1 + ...
#include <algorithm>
#include <cstring>

#include "loom/math.h"
#include "loom/node.h"
#include "nn/stored_rows.h"

namespace {

class Add final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("The element-wise sum");
    c.inputs("x", "[N, ...E]", "terms, all of one shape");
    c.output("y", "[N, ...E]", "their sum");
    c.pointwise();
    c.takes_bf16();
    c.backward_reads({});
  }
  explicit Add(const loom::Options&) {}

  void prepare(const loom::Prepare& p) override { rows_.prepare(p, p.output(0).count(), 1); }

  void forward(const loom::Forward& f) const override {
    const loom::TensorView y = f.output(0);
    if (f.input_count() == 1) return copy(f, f.input(0), y);
    for (int i = 1; i < f.input_count(); ++i) {
      rows_.run(f, {i == 1 ? f.input(0) : y, f.input(i)}, y, [](const auto& from, float* sum, std::int64_t count) {
        loom::math::add(from[0], from[1], sum, count);
      });
    }
  }
  void backward(const loom::Backward& b) const override {
    for (int i = 0; i < b.input_count(); ++i) {
      if (b.wants_diff(i)) copy(b, b.diff_output(0), b.diff_input(i));
    }
  }

 private:
  void copy(const loom::Call& call, loom::TensorView from, loom::TensorView to) const {
    if (from.dtype() == to.dtype()) {
      std::memcpy(to.raw(), from.raw(), to.bytes());
      return;
    }
    rows_.run(call, {from}, to,
              [](const auto& values, float* result, std::int64_t count) { std::copy_n(values[0], count, result); });
  }

  loom::nodes::StoredRows rows_;
};
LOOM_NODE(Add, "add")

}  // namespace
