// The first axis of a sample as rows of it: y [k N, ...] from x [N, k, ...], so that what follows works on each. No copy is
// made; rows_to_axis is the way back.
#include "loom/node.h"

namespace {

class AxisToRows final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("The first axis of each sample as rows of the batch");
    c.input("x", "[N, K, ...E]", "values of any type");
    c.output("y", "[...Y]", "K rows for each row of x, one after the other");
    c.alias();
    c.linear();
  }
  static void infer(loom::ShapeInference& s) {
    const loom::Shape& x = s.input(0);
    loom::Shape y{x[0] * x[1]};
    for (int axis = 2; axis < x.rank(); ++axis) y.push_back(x[axis]);
    s.output("y", y);
  }
  explicit AxisToRows(const loom::Options&) {}
  void forward(const loom::Forward&) const override {}  // an alias: never called
};
LOOM_NODE(AxisToRows, "axis_to_rows")

}  // namespace
