#include "graph/scheduled_value.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "graph/check_options.h"
#include "graph/typed_entry.h"

namespace loom {
namespace {

constexpr std::int64_t kLookedAt = 1000;  // number of steps of the training job that are checked

// A schedule of a plugin can be any function, so its values are checked instead of its options.
void check_values(const ScheduledValue& value, const ScheduleEntry& entry, const std::string& what, double minimum,
                  std::int64_t steps, Diagnostics& diagnostics) {
  const std::int64_t pieces = entry.is_constant() ? 0 : std::min(steps, kLookedAt);
  for (std::int64_t piece = 0; piece <= pieces; ++piece) {
    // All steps if there are few; otherwise `pieces` + 1 evenly spread steps. No product exceeds `steps`.
    const std::int64_t step = pieces == 0 ? 0 : steps / pieces * piece;
    const double at = value.value(step);
    if (std::isfinite(at) && at >= minimum) continue;
    Diagnostic& finding =
        diagnostics.add(ErrorCode::out_of_range, entry.schedule.where, fmt::format("{} is out of range", what));
    finding.got = entry.is_constant() ? fmt::format("{}", at) : fmt::format("{} at step {}", at, step);
    finding.expected =
        minimum > std::numeric_limits<double>::lowest() ? fmt::format(">= {}", minimum) : "a finite number";
    return;
  }
}

}  // namespace

const Contract& schedule_options() {
  static const Contract contract = [] {
    Contract c;
    c.option("warmup", 0, integer().at_least(0), "steps over which the value first rises linearly from 0", "steps");
    return c;
  }();
  return contract;
}

std::optional<Schedule::Settled> ScheduledValue::settled() const {
  std::optional<Schedule::Settled> settled = schedule_ ? schedule_->settled() : std::nullopt;
  if (settled) settled->step = std::max(settled->step, warmup_);
  return settled;
}

double ScheduledValue::value(std::int64_t step) const {
  if (!schedule_) return constant_;
  const double rise = warmup_ > 0 ? std::min(1.0, static_cast<double>(step + 1) / static_cast<double>(warmup_)) : 1.0;
  return rise * schedule_->value(step);
}

ScheduledValue make_schedule(const Registry& registry, const ScheduleEntry& entry, const std::string& what,
                             Diagnostics& diagnostics) {
  ScheduledValue value(entry.number);
  if (!entry.is_constant()) {
    const TypedEntry& schedule = entry.schedule;
    const auto type = find_type<ScheduleType>(registry, schedule, diagnostics);
    if (!type) return ScheduledValue(0);
    Contract contract = type->contract;
    contract.include_options(schedule_options());
    const std::size_t findings = diagnostics.size();
    const Options options = check_options(contract, schedule.options, schedule.where, what, diagnostics);
    if (diagnostics.size() > findings) return ScheduledValue(0);
    value = ScheduledValue(type, type->create(options), options.integer("warmup"));
  }
  return value;
}

ScheduledValue make_schedule(const Registry& registry, const ScheduleEntry& entry, const std::string& what,
                             double minimum, std::int64_t steps, Diagnostics& diagnostics) {
  const std::size_t findings = diagnostics.size();
  ScheduledValue value = make_schedule(registry, entry, what, diagnostics);
  if (diagnostics.size() == findings) check_values(value, entry, what, minimum, steps, diagnostics);
  return value;
}

}  // namespace loom
