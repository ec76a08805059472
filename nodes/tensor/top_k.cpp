// The k largest values along an axis, or the k smallest, in order.
#include "tensor/order.h"

namespace {

using namespace loom::nodes;

class TopK final : public Ordered {
 public:
  static void declare(loom::Contract& c) {
    c.summary("The k largest values along an axis, or the k smallest");
    declare_ports(c, "the k values, from the largest on; NaN counts as the largest");
    c.option("k", loom::required, loom::integer().at_least(1), "how many");
    c.option("largest", true, loom::flag(), "false: the k smallest, from the smallest on");
  }
  static void infer(loom::ShapeInference& s) {
    const loom::Shape& x = s.input(0);
    if (!check_event_axis(s, s.options().integer("axis"), x)) return;
    const int axis = resolved_axis(s.options().integer("axis"), x.rank());
    const std::int64_t k = s.options().integer("k");
    if (k > x[axis]) {
      return s.fail("k is more than the axis has values",
                    std::to_string(k) + " of axis " + std::to_string(axis) + " of " + x.text(),
                    "k from 1 to " + std::to_string(x[axis]), 0);
    }
    s.output("y", with_extent(x, axis, k));
    s.output("index", with_extent(x, axis, k));
  }
  explicit TopK(const loom::Options& o) : Ordered(o, o.flag("largest")) {}
};
LOOM_NODE(TopK, "top_k")

}  // namespace
