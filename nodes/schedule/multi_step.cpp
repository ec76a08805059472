// value = from factor^k, k the number of milestones reached
#include <algorithm>
#include <cmath>

#include "loom/schedule.h"

namespace loom::nodes {
namespace {

class MultiStep final : public Schedule {
 public:
  static void declare(Contract& c) {
    c.summary("Multiplied by a factor at given steps");
    c.option("from", required, number(), "value at the start");
    c.option("at", required, integer_list().at_least(0), "the steps at which it changes", "steps");
    c.option("factor", required, at_least(0), "the factor of each change");
  }
  explicit MultiStep(const Options& options)
      : from_(options.number("from")), factor_(options.number("factor")), at_(options.integers("at")) {}
  double value(std::int64_t step) const override {
    const auto reached = std::ranges::count_if(at_, [&](std::int64_t milestone) { return step >= milestone; });
    return from_ * std::pow(factor_, static_cast<double>(reached));
  }

 private:
  double from_, factor_;
  std::vector<std::int64_t> at_;
};

}  // namespace

LOOM_SCHEDULE(MultiStep, "multi_step")

}  // namespace loom::nodes
