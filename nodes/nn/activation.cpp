// An element-wise function: y = f(x), with definitions and defaults as in torch.nn.functional.
//   leaky_relu: max(x, 0) + slope min(x, 0);  elu: x, or alpha (e^x - 1) below 0;  gelu: x Phi(x);  silu: x sigmoid(x)
//   hardsigmoid: (x + 3) / 6 within 0 and 1;  hardswish: x hardsigmoid(x);  log, sqrt and rsqrt are NaN below 0
#include "math/activation.h"
#include "loom/math.h"
#include "loom/node.h"
#include "nn/stored_rows.h"

namespace {

namespace math = loom::math;

class ActivationNode final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("An element-wise function");
    c.input("x", "[N, ...E]", "values");
    c.output("y", "[N, ...E]", "f(x)");
    c.option("function", "relu", loom::text(math::activation_names()), "the function");
    c.option("slope", 0.01, loom::number(), "slope of leaky_relu below 0");
    c.option("alpha", 1.0, loom::positive(), "alpha of elu, whose limit below 0 is -alpha");
    c.pointwise();
    c.cheap();
    c.takes_bf16();
    c.backward_reads({"x"}, output_has_the_sign, {"y"});
    c.linear({},
             [](const loom::Options& o) { return math::is_piecewise_linear(math::activation_of(o.text("function"))); });
    c.second_derivative();
  }
  explicit ActivationNode(const loom::Options& options) : function_(math::activation_of(options.text("function"))) {
    const bool leaky = function_ == math::Activation::leaky_relu;
    shape_ = static_cast<float>(options.number(leaky ? "slope" : "alpha"));
    reads_output_ = output_has_the_sign(options);
  }

  void prepare(const loom::Prepare& p) override { rows_.prepare(p, p.input(0).count(), 1); }

  void forward(const loom::Forward& f) const override {
    rows_.run(f, {f.input(0)}, f.output(0), [&](const auto& from, float* y, std::int64_t count) {
      math::activate(function_, shape_, from[0], y, count);
    });
  }
  void backward(const loom::Backward& b) const override {
    if (!b.wants_diff(0)) return;
    rows_.run(b, {reads_output_ ? b.output(0) : b.input(0), b.diff_output(0)}, b.diff_input(0),
              [&](const auto& from, float* diff_x, std::int64_t count) {
                math::activation_gradient(function_, shape_, from[0], from[1], diff_x, count);
              });
  }

  // s = sum of dy f'(x) v
  void second_backward(const loom::SecondBackward& b) const override {
    const float *x = b.input(0).data(), *v = b.direction.data();
    const std::int64_t count = b.input(0).count();
    const loom::TensorView diff_x = b.diff_input(0), along = b.diff_diff_output(0);
    if (!along.empty()) math::activation_gradient(function_, shape_, x, v, along.data(), count);
    if (diff_x.empty()) return;
    math::activation_curvature(function_, shape_, x, b.diff_output(0).data(), diff_x.data(), count);
    math::multiply(diff_x.data(), v, diff_x.data(), count);
  }

 private:
  // Piecewise linear functions have the same slope at y as at x: what is kept of a layer is then what the next one reads.
  static bool output_has_the_sign(const loom::Options& o) {
    const math::Activation function = math::activation_of(o.text("function"));
    return math::is_piecewise_linear(function) && (function != math::Activation::leaky_relu || o.number("slope") >= 0);
  }

  math::Activation function_;
  bool reads_output_ = false;
  float shape_;
  loom::nodes::StoredRows rows_;
};
LOOM_NODE(ActivationNode, "activation")

}  // namespace
