// Codes as vectors: y [N, ...E, classes], 1 at the place of the code and 0 elsewhere.
#include <algorithm>

#include "loom/node.h"
#include "nn/code_range.h"

namespace {

class OneHot final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Each code as a vector with a 1 at its place");
    c.input("x", "[N, ...E]", "codes from 0 to classes - 1")
        .dtype(loom::DType::i32)
        .no_gradient()
        .codes_below("classes");
    c.output("y", "[N, ...E, classes]", "1 at the place of the code, otherwise 0").no_gradient();
    c.option("classes", loom::required, loom::integer().at_least(1), "number of codes");
    c.pointwise();
    c.backward_reads({});
  }
  explicit OneHot(const loom::Options& options) : classes_(options.integer("classes")) {}

  void forward(const loom::Forward& f) const override {
    float* y = f.output(0).data();
    for (const std::int32_t code : loom::nodes::checked_codes(f, 0, classes_)) {
      std::fill_n(y, classes_, 0.0F);
      y[code] = 1;
      y += classes_;
    }
  }

  void backward(const loom::Backward&) const override {}  // codes have no gradient

 private:
  std::int64_t classes_;
};
LOOM_NODE(OneHot, "one_hot")

}  // namespace
