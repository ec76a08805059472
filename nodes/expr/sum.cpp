// The sum over the event of a sample, or over some of its axes.
#include "expr/reduction_node.h"

namespace {

class Sum final : public loom::formula::ReductionNode {
 public:
  static void declare(loom::Contract& c) {
    c.summary("The sum over the event of a sample, or over some of its axes");
    declare_ports(c);
    c.backward_reads({});
    c.linear();
  }
  explicit Sum(const loom::Options& options) : ReductionNode(options, "sum") {}
};
LOOM_NODE(Sum, "sum")

}  // namespace
