// value = from + (to - from) min(1, (t mod every) / over),  t = step - after;  from before, to after the last cycle
// Fu et al. 2019, Cyclical Annealing Schedule: A Simple Approach to Mitigating KL Vanishing, section 3.
#include "schedule/ramp.h"

namespace loom::nodes {
namespace {

class Cyclical final : public Ramp {
 public:
  static void declare(Contract& c) {
    c.summary("Linear from one value to another, then constant, again in each cycle");
    c.source("Fu et al. 2019, Cyclical Annealing Schedule: A Simple Approach to Mitigating KL Vanishing, section 3");
    declare_ramp(c);
    c.option("every", required, integer().at_least(1), "steps of a cycle", "steps");
    c.option("cycles", 0, integer().at_least(0), "number of cycles, and then constant at `to`; 0: without end");
    c.rule({"every", "over"}, "a cycle is shorter than its change", "every >= over",
           [](const Options& options) { return options.integer("every") >= options.integer("over"); });
  }
  explicit Cyclical(const Options& options)
      : Ramp(options),
        after_(options.integer("after")),
        every_(options.integer("every")),
        cycles_(options.integer("cycles")) {}

  double value(std::int64_t step) const override {
    const std::int64_t passed = step - after_;
    if (passed < 0) return from_;
    if (cycles_ > 0 && passed / every_ >= cycles_) return to_;
    return from_ + (to_ - from_) * part(after_ + passed % every_);
  }
  // The end of the first cycle: from then on the model has been trained at the full value.
  std::optional<Settled> settled() const override { return Settled{after_ + every_, to_}; }

 private:
  std::int64_t after_, every_, cycles_;
};

}  // namespace

LOOM_SCHEDULE(Cyclical, "cyclical")

}  // namespace loom::nodes
