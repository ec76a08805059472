// Shared by the schedules that go from one value to another.
#pragma once

#include <algorithm>
#include <cstdint>

#include "loom/schedule.h"

namespace loom::nodes {

class Ramp : public Schedule {
 public:
  static void declare_ramp(Contract& c) {
    c.option("from", required, number(), "value at the start");
    c.option("to", required, number(), "final value, constant from then on");
    c.option("over", required, integer().at_least(1), "steps from one value to the other", "steps");
    c.option("after", 0, integer().at_least(0), "steps at the value `from` before the change begins", "steps");
  }

 protected:
  explicit Ramp(const Options& options)
      : from_(options.number("from")),
        to_(options.number("to")),
        over_(options.integer("over")),
        after_(options.integer("after")) {}
  // The part of the way that lies behind `step`, 0 to 1.
  double part(std::int64_t step) const {
    const std::int64_t passed = std::max<std::int64_t>(0, step - after_);
    return std::min(1.0, static_cast<double>(passed) / static_cast<double>(over_));
  }

  double from_, to_;

 private:
  std::int64_t over_, after_;
};

}  // namespace loom::nodes
