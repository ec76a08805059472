// value = from factor^(step / every), the quotient rounded down
#include <cmath>

#include "loom/schedule.h"

namespace loom::nodes {
namespace {

class Step final : public Schedule {
 public:
  static void declare(Contract& c) {
    c.summary("Multiplied by a factor every `every` steps");
    c.option("from", required, number(), "value at the start");
    c.option("every", required, integer().at_least(1), "steps between two changes", "steps");
    c.option("factor", required, at_least(0), "the factor of each change");
  }
  explicit Step(const Options& options)
      : from_(options.number("from")), factor_(options.number("factor")), every_(options.integer("every")) {}
  double value(std::int64_t step) const override {
    return from_ * std::pow(factor_, static_cast<double>(step / every_));
  }

 private:
  double from_, factor_;
  std::int64_t every_;
};

}  // namespace

LOOM_SCHEDULE(Step, "step")

}  // namespace loom::nodes
