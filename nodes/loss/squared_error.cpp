// The squared error, summed over the event: no factor of 1/2, no mean, no variance.
//   loss = sum over the event of mask weight (x - target)^2     [units of the data, squared, per sample]
// It is not a likelihood: gaussian_nll with sigma^2 = 1/2 is, and differs by a constant.
#include "loom/math.h"
#include "loom/node.h"
#include "loss/weighted.h"

namespace {

using namespace loom::nodes;
namespace math = loom::math;

class SquaredError final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("The squared error, summed over the event");
    c.input("x", "[N, ...E]", "prediction");
    c.input("target", "[N, ...E]", "the target values");
    loom::Weighting::declare(c);
    c.output("loss", "[N]", "squared units of the data, per sample");
    c.mean("x");
    c.backward_reads({"x", "target", "mask", "weight"});
  }
  static void infer(loom::ShapeInference& s) { loom::Weighting::infer(s, "target"); }
  explicit SquaredError(const loom::Options&) {}

  void prepare(const loom::Prepare& p) override { weighting_.prepare(p, "target"); }

  void forward(const loom::Forward& f) const override {
    const loom::TensorView x = f.input("x"), target = f.input("target");
    for (std::int64_t n = 0; n < f.rows; ++n) {
      const std::span<const float> weights = weighting_.row(f, n);
      f.output("loss")[n][0] =
          static_cast<float>(weights.empty() ? math::squared_distance(x[n].data(), target[n].data(), x.per_sample())
                                             : weighted_squared_distance(weights, x[n].data(), target[n].data()));
    }
  }

  void backward(const loom::Backward& b) const override {
    const loom::TensorView x = b.input("x"), target = b.input("target"), diff = b.diff_output("loss");
    for (std::int64_t n = 0; n < b.rows; ++n) {
      const float factor = 2 * diff[n][0];
      const float *p = x[n].data(), *t = target[n].data();
      const std::span<const float> weights = weighting_.row(b, n);
      const auto write = [&](const char* port, const float* one, const float* other) {
        if (!b.wants_diff(port)) return;
        float* out = b.diff_input(port)[n].data();
        math::scaled_difference(factor, one, other, out, x.per_sample());
        apply_weights(weights, out);
      };
      write("x", p, t);
      write("target", t, p);
    }
  }

 private:
  loom::Weighting weighting_;
};
LOOM_NODE(SquaredError, "squared_error")

}  // namespace
