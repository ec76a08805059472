// The values along an axis in order.
#include "tensor/order.h"

namespace {

using namespace loom::nodes;

class Sort final : public Ordered {
 public:
  static void declare(loom::Contract& c) {
    c.summary("The values along an axis in order");
    declare_ports(c, "the values, from the smallest to the largest; NaN is last");
    c.option("descending", false, loom::flag(), "from the largest to the smallest; NaN is first");
  }
  static void infer(loom::ShapeInference& s) {
    const loom::Shape& x = s.input(0);
    if (!check_event_axis(s, s.options().integer("axis"), x)) return;
    s.output("y", x);
    s.output("index", x);
  }
  explicit Sort(const loom::Options& o) : Ordered(o, o.flag("descending")) {}
};
LOOM_NODE(Sort, "sort")

}  // namespace
