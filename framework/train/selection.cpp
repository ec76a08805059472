#include "train/selection.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "loom/error.h"
#include "train/evaluation.h"
#include "train/objectives.h"

namespace loom {
namespace {

constexpr std::int64_t kMostLookedAt = 10'000'000;  // steps; a schedule that rests for longer counts from there on

// Where the schedule does not say so itself: the first of the steps 0 ... last from which it has its last value.
Schedule::Settled settled(const ScheduledValue& schedule, std::int64_t last) {
  if (const auto stated = schedule.settled()) return {std::min(stated->step, last), stated->value};
  const double final = schedule.value(last);
  if (schedule.is_constant()) return {0, final};
  const std::int64_t first = std::max<std::int64_t>(0, last - kMostLookedAt);
  std::int64_t step = last;
  while (step > first && schedule.value(step - 1) == final) --step;
  return {step, final};
}

}  // namespace

Schedule::Settled Objective::settled_weight(std::size_t term, std::int64_t last) const {
  Schedule::Settled all{0, 1};
  for (const ScheduledValue& schedule : weights[term]) {
    const Schedule::Settled one = settled(schedule, last);
    all.step = std::max(all.step, one.step);
    all.value *= one.value;
  }
  return all;
}

std::string Selection::name() const {
  std::string text = monitor.metric.empty() ? "objective" : monitor.metric;
  if (monitor.mode == "max") text += ", the greatest";
  if (!monitor.split.empty()) text += fmt::format(", split {}", monitor.split);
  return text;
}

std::string Selection::text(const TrainingPlan& plan) const {
  if (!monitor.metric.empty()) return name();
  if (!opponent.empty()) return fmt::format("none: '{}' is adversarial", opponent);
  std::vector<std::string> losses;
  for (std::size_t t = 0; t < weights.size(); ++t)
    if (weights[t] != 0) losses.push_back(fmt::format("{:g} {}", weights[t], plan.terms[t].name));
  return fmt::format("{}: {}", name(), fmt::join(losses, " + "));
}

double Selection::value(const Evaluation& evaluation) const {
  if (monitor.metric.empty()) {
    return is_measured ? evaluation.loss : evaluation.evidence().value_or(evaluation.loss);
  }
  std::vector<std::string> names;
  for (const auto& [name, value] : curves_of(evaluation.values)) {
    if (name == monitor.metric) return value;
    names.push_back(name);
  }
  if (const auto value = evaluation.number(monitor.metric)) return *value;
  Diagnostic finding;
  finding.code = ErrorCode::not_supported;
  finding.where = monitor.where;
  finding.message = fmt::format("train.monitor: the evaluations of this graph do not measure '{}'", monitor.metric);
  finding.expected = fmt::format("one of {}", fmt::join(names, ", "));
  finding.suggestion = nearest_name(monitor.metric, names);
  throw Error(std::move(finding));
}

Selection select_best(const TrainEntry& train, const TrainingPlan& plan) {
  Selection selection;
  selection.monitor = train.monitor;
  selection.weights.resize(plan.terms.size());
  const std::int64_t last = std::max<std::int64_t>(1, train.steps) - 1;
  for (const Objective& objective : plan.objectives) {
    for (std::size_t k = 0; k < objective.terms.size(); ++k) {
      const Schedule::Settled weight = objective.settled_weight(k, last);
      selection.from = std::max(selection.from, weight.step == 0 ? 0 : weight.step + 1);
      if (&objective != &plan.objectives.front()) continue;
      const auto term = static_cast<std::size_t>(objective.terms[k]);
      selection.weights[term] += weight.value;
      const bool plays = plan.terms[term].role == LossRole::adversarial && weight.value != 0;
      if (plays && train.monitor.metric.empty() && selection.opponent.empty())
        selection.opponent = plan.terms[term].name;
      if (!plan.terms[term].in_evaluation && selection.weights[term] != 0) selection.is_measured = false;
    }
  }
  return selection;
}

}  // namespace loom
