// One vector per sample; no copy is made.
//   y [N, product of E] from x [N, ...E]
#include "loom/node.h"
#include "shape/axis.h"

namespace {

class Flatten final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("One vector per sample");
    c.input("x", "[N, ...]", "values of any type");
    c.output("y", "[N, C]", "the same values");
    c.alias();
    c.linear();
    c.reads_window(loom::nodes::window_of_alias);
  }
  static void infer(loom::ShapeInference& s) { s.bind("C", s.input(0).event().count()); }
  explicit Flatten(const loom::Options&) {}
  void forward(const loom::Forward&) const override {}  // an alias: never called
};
LOOM_NODE(Flatten, "flatten")

}  // namespace
