// value = from + (to - from) part,  part = min(1, max(0, step - after) / over)
#include "schedule/ramp.h"

namespace loom::nodes {
namespace {

class Linear final : public Ramp {
 public:
  static void declare(Contract& c) {
    c.summary("Linear from one value to another, then constant");
    declare_ramp(c);
  }
  explicit Linear(const Options& options) : Ramp(options) {}
  double value(std::int64_t step) const override { return from_ + (to_ - from_) * part(step); }
};

}  // namespace

LOOM_SCHEDULE(Linear, "linear")

}  // namespace loom::nodes
