// Schedules as a document makes them: their range is looked at for any number of steps.
#include <boost/test/unit_test.hpp>

#include <limits>

#include "check/standard_registry.h"
#include "graph/scheduled_value.h"

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

namespace {

ScheduledValue made(const std::string& type, std::map<std::string, OptionValue> options) {
  ScheduleEntry entry;
  entry.schedule.type = type;
  for (auto& [name, value] : options) entry.schedule.options[name] = {value, {}};
  Diagnostics diagnostics;
  ScheduledValue value = make_schedule(standard_registry(), entry, "w", diagnostics);
  diagnostics.throw_if_any();
  return value;
}

std::vector<double> values(const ScheduledValue& schedule, std::vector<std::int64_t> steps) {
  std::vector<double> all;
  for (const std::int64_t step : steps) all.push_back(schedule.value(step));
  return all;
}

OptionValue list_of(std::vector<OptionValue> values) { return OptionValue(std::move(values)); }

}  // namespace

BOOST_AUTO_TEST_CASE(cyclical_begins_again) {
  const ScheduledValue endless = made("cyclical", {{"from", 0}, {"to", 2}, {"over", 4}, {"every", 8}, {"after", 3}});
  BOOST_TEST((values(endless, {0, 2, 3, 5, 7, 10, 11, 13, 3 + 8 * 1000 + 1}) ==
              std::vector<double>{0, 0, 0, 1, 2, 2, 0, 1, 0.5}));
  BOOST_TEST(endless.settled()->step == 11);
  BOOST_TEST(endless.settled()->value == 2);
  const ScheduledValue two = made("cyclical", {{"from", 1}, {"to", 0}, {"over", 4}, {"every", 4}, {"cycles", 2}});
  BOOST_TEST((values(two, {0, 3, 4, 7, 8, 1000}) == std::vector<double>{1, 0.25, 1, 0.25, 0, 0}));
  BOOST_CHECK_THROW(made("cyclical", {{"from", 0}, {"to", 2}, {"over", 9}, {"every", 8}}), Error);
}

BOOST_AUTO_TEST_CASE(piecewise_goes_through_its_points) {
  const OptionValue at = list_of({10, 20, 30}), levels = list_of({1.0, 3.0, -1.0});
  const ScheduledValue lines = made("piecewise", {{"at", at}, {"values", levels}});
  BOOST_TEST((values(lines, {0, 10, 15, 20, 25, 30, 99}) == std::vector<double>{1, 1, 2, 3, 1, -1, -1}));
  BOOST_TEST(!lines.settled());
  const ScheduledValue stairs = made("piecewise", {{"at", at}, {"values", levels}, {"between", "constant"}});
  BOOST_TEST((values(stairs, {0, 19, 20, 29, 30}) == std::vector<double>{1, 1, 3, 3, -1}));
  BOOST_CHECK_THROW(made("piecewise", {{"at", list_of({10, 20})}, {"values", levels}}), Error);
  BOOST_CHECK_THROW(made("piecewise", {{"at", list_of({10, 10, 30})}, {"values", levels}}), Error);
}

BOOST_AUTO_TEST_SUITE_END()
