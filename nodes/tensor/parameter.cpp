// A learned tensor, which is the same for every sample: the tokens that a decoder starts from, a prior's pseudo-inputs, a
// temperature.
//   y [N, shape...] = value
#include <algorithm>

#include "loom/math.h"
#include "loom/node.h"
#include "tensor/like.h"

namespace {

using namespace loom::nodes;

class ParameterNode final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("A learned tensor, the same for every sample");
    declare_shape(c);
    c.output("y", "[N, ...E]", "the tensor");
    c.parameter("value", "[...E]", loom::normal_values(0, 0.02), "the tensor");
    c.backward_reads({});
  }
  static void infer(loom::ShapeInference& s) {
    if (!infer_shape(s) || !s.run_extents("E").empty()) return;
    s.fail("a parameter has at least one axis", "shape []", "shape: [1] for one number");
  }
  explicit ParameterNode(const loom::Options&) {}

  void forward(const loom::Forward& f) const override {
    const loom::TensorView y = f.output("y");
    for (std::int64_t n = 0; n < y.samples(); ++n) std::ranges::copy(f.parameter("value").values(), y[n].begin());
  }

  void backward(const loom::Backward& b) const override {
    if (!b.wants_parameter_diff("value")) return;
    const loom::TensorView diff_y = b.diff_output("y");
    float* diff = b.diff_parameter("value").data();
    for (std::int64_t n = 0; n < diff_y.samples(); ++n)
      loom::math::add(diff, diff_y[n].data(), diff, diff_y.per_sample());
  }
};
LOOM_NODE(ParameterNode, "parameter")

}  // namespace
