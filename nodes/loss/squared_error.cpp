// The squared error, summed over the event: no factor of 1/2, no mean, no variance.
//   loss = sum over the event of (x - target)^2     [units of the data, squared, per sample]
// It is not a likelihood: gaussian_nll with sigma^2 = 1/2 is, and differs by a constant.
#include "loom/math.h"
#include "loom/node.h"

namespace {

namespace math = loom::math;

class SquaredError final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("The squared error, summed over the event");
    c.input("x", "[N, ...E]", "prediction");
    c.input("target", "[N, ...E]", "the target values");
    c.output("loss", "[N]", "squared units of the data, per sample");
    c.backward_reads({"x", "target"});
  }
  explicit SquaredError(const loom::Options&) {}

  void forward(const loom::Forward& f) const override {
    const loom::TensorView x = f.input("x"), target = f.input("target");
    for (std::int64_t n = 0; n < f.rows; ++n) {
      f.output("loss")[n][0] =
          static_cast<float>(math::squared_distance(x[n].data(), target[n].data(), x.per_sample()));
    }
  }

  void backward(const loom::Backward& b) const override {
    const loom::TensorView x = b.input("x"), target = b.input("target"), diff = b.diff_output("loss");
    for (std::int64_t n = 0; n < b.rows; ++n) {
      const float factor = 2 * diff[n][0];
      const float *p = x[n].data(), *t = target[n].data();
      if (b.wants_diff("x")) math::scaled_difference(factor, p, t, b.diff_input("x")[n].data(), x.per_sample());
      if (b.wants_diff("target"))
        math::scaled_difference(factor, t, p, b.diff_input("target")[n].data(), x.per_sample());
    }
  }
};
LOOM_NODE(SquaredError, "squared_error")

}  // namespace
