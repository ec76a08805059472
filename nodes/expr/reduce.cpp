// A reduction over the event of a sample, or over some of its axes, by a function of formulas.
#include "expr/reduction_node.h"

namespace {

namespace formula = loom::formula;
using namespace loom::nodes;

std::vector<std::string> reduction_names() {
  std::vector<std::string> names;
  for (const formula::Function& function : formula::functions()) {
    if (function.kind == formula::Function::Kind::reduction) names.emplace_back(function.name);
  }
  return names;
}

class Reduce final : public formula::ReductionNode {
 public:
  static void declare(loom::Contract& c) {
    c.summary("A reduction over the event of a sample, or over some of its axes");
    declare_ports(c);
    c.option("function", loom::required, loom::text(reduction_names()), "the function, as in formulas");
    c.backward_reads({"x"});
    c.second_derivative([](const loom::Options& o) { return o.text("function") != "prod"; });
  }
  explicit Reduce(const loom::Options& options) : ReductionNode(options, options.text("function")) {}
};
LOOM_NODE(Reduce, "reduce")

}  // namespace
