// Schedules as a document makes them: their range is looked at for any number of steps.
#include <boost/test/unit_test.hpp>

#include <limits>

#include "check/standard_registry.h"
#include "train/scheduled_value.h"

using namespace loom;
using namespace loom::check;

namespace {

ScheduleEntry ramp(double from, double to, int over) {
  ScheduleEntry entry;
  entry.schedule.type = "linear";
  entry.schedule.where = {"model.yaml", 4, 9};
  entry.schedule.options = {
      {"from", {OptionValue(from), {}}}, {"to", {OptionValue(to), {}}}, {"over", {OptionValue(over), {}}}};
  return entry;
}

std::string problems_of(const ScheduleEntry& entry, std::int64_t steps) {
  Diagnostics diagnostics;
  make_schedule(standard_registry(), entry, "lr", 0, steps, diagnostics);
  return diagnostics.empty() ? "" : diagnostics.items().front().text();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(schedules)

BOOST_AUTO_TEST_CASE(values_below_the_minimum_are_named_with_their_step) {
  BOOST_TEST(problems_of(ramp(1, 0, 10), 100) == "");
  const std::string problem = problems_of(ramp(1, -1, 10), 100);
  BOOST_TEST(problem.find("model.yaml:4:9: error E106 out-of-range: lr is out of range") != std::string::npos, problem);
  BOOST_TEST(problem.find("at step 6") != std::string::npos, problem);
  BOOST_TEST(problems_of(ramp(1, -1, 10), 3) == "");  // not reached
  BOOST_TEST(problems_of(ScheduleEntry::constant(-0.5), 3).find("-0.5") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(any_number_of_steps_is_looked_at) {
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  BOOST_TEST(problems_of(ramp(1, 0, 10), most) == "");
  BOOST_TEST(problems_of(ramp(1, -1, 10), most) != "");
  BOOST_TEST(problems_of(ramp(1, -1, 1), 0) == "");
}

BOOST_AUTO_TEST_SUITE_END()
