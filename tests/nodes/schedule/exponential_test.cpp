// The exponential schedule: a geometric series between its ends, and what is refused.
#include <boost/test/unit_test.hpp>

#include "check/standard_registry.h"
#include "graph/scheduled_value.h"
#include "loom/schedule.h"

using namespace loom;
using namespace loom::check;
using boost::test_tools::tolerance;

namespace {

std::unique_ptr<Schedule> exponential(double from, double to, int over, int after) {
  Options options;
  options.set("from", from);
  options.set("to", to);
  options.set("over", over);
  options.set("after", after);
  return standard_registry().find<ScheduleType>("exponential")->create(options);
}

std::string problems_of(double from, double to) {
  ScheduleEntry entry;
  entry.schedule.type = "exponential";
  entry.schedule.where = {"model.yaml", 4, 9};
  entry.schedule.options = {
      {"from", {OptionValue(from), {}}}, {"to", {OptionValue(to), {}}}, {"over", {OptionValue(10), {}}}};
  Diagnostics diagnostics;
  make_schedule(standard_registry(), entry, "lr", 0, 100, diagnostics);
  return diagnostics.empty() ? "" : diagnostics.items().front().text();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(exponential_schedule)

BOOST_AUTO_TEST_CASE(values) {
  const auto falling = exponential(1e-2, 1e-6, 400, 100);
  BOOST_TEST(falling->value(0) == 1e-2);
  BOOST_TEST(falling->value(100) == 1e-2);
  BOOST_TEST(falling->value(200) == 1e-3, tolerance(1e-12));
  BOOST_TEST(falling->value(300) == 1e-4, tolerance(1e-12));
  BOOST_TEST(falling->value(500) == 1e-6, tolerance(1e-12));
  BOOST_TEST(falling->value(1000000000000) == 1e-6, tolerance(1e-12));
  const auto rising = exponential(0.5, 8, 4, 0);
  for (int step = 0; step < 4; ++step)
    BOOST_TEST(rising->value(step + 1) / rising->value(step) == 2.0, tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(both_ends_are_above_zero) {
  BOOST_TEST(problems_of(1e-3, 1e-5) == "");
  for (const auto& [from, to] : {std::pair{0.0, 1.0}, {1.0, 0.0}, {-1.0, -2.0}}) {
    const std::string text = problems_of(from, to);
    BOOST_TEST(text.find("from > 0 and to > 0") != std::string::npos, text);
  }
}

BOOST_AUTO_TEST_SUITE_END()
