// The same values for every sample: a class to condition on, a step, a mask.
//   y [N, shape...] = value
#include <algorithm>

#include "loom/node.h"
#include "tensor/like.h"

namespace {

class Constant final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("The same values for every sample");
    loom::nodes::declare_shape(c);
    c.output("y", "[N, ...E]", "the value").no_gradient();
    c.option("value", loom::required, loom::number().or_list(), "a number, or one for each element of the shape");
    c.backward_reads({});
  }
  static void infer(loom::ShapeInference& s) {
    if (!loom::nodes::infer_shape(s)) return;
    const std::vector<std::int64_t>& extents = s.run_extents("E");
    const std::size_t given = s.options().numbers("value").size();
    const std::int64_t count = loom::Shape(extents).count();
    if (s.options().is_list("value") && static_cast<std::int64_t>(given) != count) {
      s.fail("the list of values does not fill the shape", std::to_string(given) + " values",
             std::to_string(count) + " values");
    }
  }
  explicit Constant(const loom::Options& options) {
    for (double value : options.numbers("value")) values_.push_back(static_cast<float>(value));
  }

  void forward(const loom::Forward& f) const override {
    const loom::TensorView y = f.output("y");
    for (std::int64_t n = 0; n < y.samples(); ++n) {
      const std::span<float> event = y[n];
      if (values_.size() == 1)
        std::ranges::fill(event, values_.front());
      else
        std::ranges::copy(values_, event.begin());
    }
  }
  void backward(const loom::Backward&) const override {}  // no input has a gradient

 private:
  std::vector<float> values_;
};
LOOM_NODE(Constant, "constant")

}  // namespace
