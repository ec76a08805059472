// The element-wise product of any number of tensors, broadcast as in NumPy: y = x0 x1 ..., with gradient
//   dy times the product of the other factors, summed over what was repeated.
#include <algorithm>

#include "loom/math.h"
#include "loom/node.h"
#include "nn/broadcast.h"

namespace {

using namespace loom::nodes;

class Multiply final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("The element-wise product");
    c.inputs("x", "[N, ...]", "factors, broadcast from the last axis on: an extent of 1 is repeated");
    c.output("y", "[N, ...]", "their product");
    c.pointwise();
    c.reads_window(window_of_broadcast);
    c.backward_reads({"x"});
    c.linear_in_each();
  }
  static void infer(loom::ShapeInference& s) { infer_broadcast(s); }
  explicit Multiply(const loom::Options&) {}

  void prepare(const loom::Prepare& p) override {
    for (const loom::TensorView& x : p.input_views) factors_.emplace_back(x.shape(), p.output(0));
    if (std::ranges::all_of(factors_, &Broadcast::same)) return;
    spread_ = p.scratch<float>(p.output(0).count());
    if (p.backward) product_ = p.scratch<float>(p.output(0).count());
  }

  void forward(const loom::Forward& f) const override {
    factors_[0].spread(f.input(0).data(), f.output(0).data());
    for (int i = 1; i < f.input_count(); ++i) multiply_by(f, i, f.output(0).data(), f.output(0).count());
  }
  void backward(const loom::Backward& b) const override {
    const loom::TensorView diff_y = b.diff_output(0);
    for (int i = 0; i < b.input_count(); ++i) {
      if (!b.wants_diff(i)) continue;
      const Broadcast& factor = factors_[static_cast<std::size_t>(i)];
      float* product = factor.same() ? b.diff_input(i).data() : product_(b).data();
      std::ranges::copy(diff_y.values(), product);
      for (int j = 0; j < b.input_count(); ++j)
        if (j != i) multiply_by(b, j, product, diff_y.count());
      if (factor.same()) continue;
      std::ranges::fill(b.diff_input(i).values(), 0.0F);
      factor.add_sums(product, b.diff_input(i).data());
    }
  }

 private:
  void multiply_by(const loom::Call& call, int i, float* y, std::int64_t count) const {
    const Broadcast& factor = factors_[static_cast<std::size_t>(i)];
    const float* x = call.input(i).data();
    if (!factor.same()) {
      factor.spread(x, spread_(call).data());
      x = spread_(call).data();
    }
    loom::math::multiply(y, x, y, count);
  }

  std::vector<Broadcast> factors_;
  loom::Slot<float> spread_, product_;  // a factor, and a gradient, in the shape of the output
};
LOOM_NODE(Multiply, "multiply")

}  // namespace
