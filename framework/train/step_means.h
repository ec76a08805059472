// Means over the last steps of a training job, and its rate, for people and programs that watch it.
//
// Skipped steps count for the rate, not for the means. Ownership: a value. Thread safety: one thread. Errors: none.
#pragma once

#include <cstdint>
#include <vector>

#include "core/clock.h"
#include "train/stepper.h"

namespace loom {

class StepMeans {
 public:
  explicit StepMeans(std::size_t terms = 0) : sums_(terms) {}

  void add(const StepReport& report);
  void restart();  // the next means begin here

  std::int64_t steps() const { return steps_; }      // since restart(), with the skipped ones
  std::int64_t applied() const { return applied_; }  // steps that the means are over
  double seconds() const { return since_.seconds(); }
  double steps_per_second() const;  // 0 before the first step
  double loss() const;              // nats per sample; NaN where no step was applied
  double term(std::size_t i) const;
  std::size_t terms() const { return sums_.size(); }

 private:
  Stopwatch since_;
  std::vector<double> sums_;
  double loss_sum_ = 0;
  std::int64_t steps_ = 0, applied_ = 0;
};

}  // namespace loom
