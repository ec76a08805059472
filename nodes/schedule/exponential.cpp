// value = from (to / from)^part,  part = min(1, max(0, step - after) / over)
// Each step multiplies the value by the same factor.
#include <cmath>

#include "schedule/ramp.h"

namespace loom::nodes {
namespace {

class Exponential final : public Ramp {
 public:
  static void declare(Contract& c) {
    c.summary("A geometric series from one value to another, then constant");
    declare_ramp(c);
    c.rule({"from", "to"}, "an exponential schedule does not reach or cross 0", "from > 0 and to > 0",
           [](const Options& options) { return options.number("from") > 0 && options.number("to") > 0; });
  }
  explicit Exponential(const Options& options) : Ramp(options) {}
  double value(std::int64_t step) const override { return from_ * std::pow(to_ / from_, part(step)); }
};

}  // namespace

LOOM_SCHEDULE(Exponential, "exponential")

}  // namespace loom::nodes
