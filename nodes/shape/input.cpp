// Where data enters a graph.
//   y [N, shape...]: the values fed under the node's name, from the data set, a file or a test.
#include "loom/error.h"
#include "loom/node.h"

namespace {

class Input final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("A value from outside the graph: a column of the data set, or a fed file").role(loom::Role::input);
    c.output("y", "[N, ...E]", "the fed values").dtype_from("dtype");
    c.option("shape", loom::required, loom::integer_list().at_least(1), "extents of one sample, without the batch");
    c.option("dtype", "f32", loom::text({"f32", "i32"}), "element type: numbers, or codes");
  }
  static void infer(loom::ShapeInference& s) { s.bind_run("E", s.options().integers("shape")); }
  explicit Input(const loom::Options&) {}

  void forward(const loom::Forward&) const override {
    throw loom::Error(loom::ErrorCode::bad_feed, "nothing is fed to this input");
  }
};
LOOM_NODE(Input, "input")

}  // namespace
