// The same value; no gradient flows back through it: sg[x] of van den Oord et al. 2017, equation 3.
#include "loom/node.h"

namespace {

class StopGradient final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("The same value; no gradient flows back through it");
    c.source("van den Oord et al. 2017, Neural Discrete Representation Learning, equation 3");
    c.input("x", "[N, ...E]", "values of any type").no_gradient();
    c.output("y", "[N, ...E]", "the same values");
    c.alias();
    c.reads_window([](const loom::TimeWindowOf&) { return loom::TimeWindow(); });
  }
  explicit StopGradient(const loom::Options&) {}
  void forward(const loom::Forward&) const override {}  // an alias: never called
};
LOOM_NODE(StopGradient, "stop_gradient")

}  // namespace
