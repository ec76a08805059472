// A schedule of a document, made: a number, or a registered schedule with its warm-up.
//
// Ownership: shares the schedule, and holds its library open. Thread safety: immutable. Errors: make_schedule() collects
// unknown types and options (E2xx), and values out of range at a step, with their places.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "graph/graph_document.h"
#include "loom/error.h"
#include "loom/schedule.h"

namespace loom {

// The schedule that is meant where a map names none.
inline constexpr const char* kDefaultSchedule = "linear";
// What every schedule takes besides its own options (warmup).
const Contract& schedule_options();

class ScheduledValue {
 public:
  explicit ScheduledValue(double constant = 0) : constant_(constant) {}
  ScheduledValue(std::shared_ptr<const ScheduleType> type, std::shared_ptr<const Schedule> schedule,
                 std::int64_t warmup)
      : type_(std::move(type)), schedule_(std::move(schedule)), warmup_(warmup) {}

  double value(std::int64_t step) const;  // of step 0, 1, 2, ...
  bool is_constant() const { return !schedule_; }
  // Of a schedule that says itself from when on it counts as settled: Schedule::settled(), after the warm-up.
  std::optional<Schedule::Settled> settled() const;

 private:
  std::shared_ptr<const ScheduleType> type_;  // first, so that it goes last
  std::shared_ptr<const Schedule> schedule_;
  std::int64_t warmup_ = 0;
  double constant_ = 0;
};

// `what` names it in messages ("lr", "the weight of 'kl'"). Values below `minimum` in the first `steps` steps are
// reported; if it is wrong, the result is the constant 0.
ScheduledValue make_schedule(const Registry& registry, const ScheduleEntry& entry, const std::string& what,
                             double minimum, std::int64_t steps, Diagnostics& diagnostics);
// The same, without a look at its values.
ScheduledValue make_schedule(const Registry& registry, const ScheduleEntry& entry, const std::string& what,
                             Diagnostics& diagnostics);

}  // namespace loom
