// The element-wise product of any number of tensors of one shape: y = x0 x1 ..., with gradient
//   dy times the product of the other factors.
#include <algorithm>

#include "loom/math.h"
#include "loom/node.h"

namespace {

class Multiply final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("The element-wise product");
    c.inputs("x", "[N, ...E]", "factors, all of one shape");
    c.output("y", "[N, ...E]", "their product");
    c.pointwise();
    c.backward_reads({"x"});
  }
  explicit Multiply(const loom::Options&) {}

  void forward(const loom::Forward& f) const override {
    const loom::TensorView y = f.output(0);
    std::ranges::copy(f.input(0).values(), y.data());
    for (int i = 1; i < f.input_count(); ++i) loom::math::multiply(y.data(), f.input(i).data(), y.data(), y.count());
  }
  void backward(const loom::Backward& b) const override {
    for (int i = 0; i < b.input_count(); ++i) {
      if (!b.wants_diff(i)) continue;
      const loom::TensorView diff = b.diff_input(i);
      std::ranges::copy(b.diff_output(0).values(), diff.data());
      for (int j = 0; j < b.input_count(); ++j) {
        if (j != i) loom::math::multiply(diff.data(), b.input(j).data(), diff.data(), diff.count());
      }
    }
  }
};
LOOM_NODE(Multiply, "multiply")

}  // namespace
