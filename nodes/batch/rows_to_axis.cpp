// The rows of a sample as an axis of one row: y [N, k, ...] from x [k N, ...], after `repeat` or a joining along axis 0. No
// copy is made.
#include "loom/node.h"

namespace {

class RowsToAxis final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("The rows of each sample as an axis");
    c.input("x", "[N, ...E]", "values of any type, with several rows of each sample");
    c.output("y", "[...Y]", "one row of each sample; axis 1 counts the rows that it had");
    c.alias();
    c.linear();
  }
  static void infer(loom::ShapeInference& s) {
    const loom::Shape& x = s.input(0);
    loom::Shape y{loom::kBatch, -x[0]};
    for (int axis = 1; axis < x.rank(); ++axis) y.push_back(x[axis]);
    s.output("y", y);
  }
  explicit RowsToAxis(const loom::Options&) {}
  void forward(const loom::Forward&) const override {}  // an alias: never called
};
LOOM_NODE(RowsToAxis, "rows_to_axis")

}  // namespace
