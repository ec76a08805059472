#include "train/step_means.h"

#include <algorithm>
#include <limits>

namespace loom {
namespace {

double mean(double sum, std::int64_t count) {
  return count > 0 ? sum / static_cast<double>(count) : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

void StepMeans::add(const StepReport& report) {
  ++steps_;
  if (report.skipped) return;
  ++applied_;
  loss_sum_ += report.loss;
  for (std::size_t t = 0; t < sums_.size() && t < report.terms.size(); ++t) sums_[t] += report.terms[t];
}

void StepMeans::restart() {
  std::ranges::fill(sums_, 0.0);
  loss_sum_ = 0;
  steps_ = applied_ = 0;
  since_.restart();
}

double StepMeans::steps_per_second() const {
  return steps_ > 0 ? static_cast<double>(steps_) / std::max(since_.seconds(), 1e-9) : 0;
}

double StepMeans::loss() const { return mean(loss_sum_, applied_); }
double StepMeans::term(std::size_t i) const { return mean(sums_[i], applied_); }

}  // namespace loom
