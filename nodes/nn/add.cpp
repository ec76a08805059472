// The element-wise sum of any number of tensors of one shape: y = x0 + x1 + ...
#include <algorithm>

#include "loom/math.h"
#include "loom/node.h"

namespace {

class Add final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("The element-wise sum");
    c.inputs("x", "[N, ...E]", "terms, all of one shape");
    c.output("y", "[N, ...E]", "their sum");
    c.pointwise();
    c.backward_reads({});
  }
  explicit Add(const loom::Options&) {}

  void forward(const loom::Forward& f) const override {
    const loom::TensorView y = f.output(0);
    std::ranges::copy(f.input(0).values(), y.data());
    for (int i = 1; i < f.input_count(); ++i) loom::math::add(y.data(), f.input(i).data(), y.data(), y.count());
  }
  void backward(const loom::Backward& b) const override {
    for (int i = 0; i < b.input_count(); ++i) {
      if (b.wants_diff(i)) std::ranges::copy(b.diff_output(0).values(), b.diff_input(i).data());
    }
  }
};
LOOM_NODE(Add, "add")

}  // namespace
