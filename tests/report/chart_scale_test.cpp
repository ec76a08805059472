#include "report/chart_scale.h"

#include <boost/test/unit_test.hpp>
#include <limits>

using namespace loom::report;

namespace {

std::string texts(const Scale& scale) {
  std::string all;
  for (const Tick& tick : scale.ticks()) all += (all.empty() ? "" : " ") + tick.text;
  return all;
}

}  // namespace

BOOST_AUTO_TEST_CASE(ticks_are_round_and_inside) {
  BOOST_TEST(round_ticks(0, 10, 4) == std::vector<double>({0, 5, 10}), boost::test_tools::per_element());
  BOOST_TEST(round_ticks(-1.3, 1.1, 4) == std::vector<double>({-1, 0, 1}), boost::test_tools::per_element());
  BOOST_TEST(round_ticks(3, 3, 4).empty());
  BOOST_TEST(round_ticks(0, std::numeric_limits<double>::infinity(), 4).empty());
  BOOST_TEST(round_ticks(0, 2, 4, 1) == std::vector<double>({0, 1, 2}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(texts_have_the_digits_that_the_ticks_need) {
  BOOST_TEST(texts({Scale::Kind::linear, 0, 1}) == "0 0.2 0.4 0.6 0.8 1.0");
  BOOST_TEST(texts({Scale::Kind::linear, 90.2, 131}) == "100 110 120 130");
  BOOST_TEST(texts({Scale::Kind::whole, 0, 3}) == "0 1 2 3");
  BOOST_TEST(texts({Scale::Kind::whole, 0, 9400}) == "0 2000 4000 6000 8000");
  BOOST_TEST(texts({Scale::Kind::whole, 0, 50'000}) == "0 10k 20k 30k 40k 50k");
  BOOST_TEST(texts({Scale::Kind::whole, 0, 3'000'000}) == "0 1M 2M 3M");
  BOOST_TEST(tick_text(12'500, 500) == "12.5k");
  BOOST_TEST(tick_text(-40'000, 20'000) == "-40k");
  BOOST_TEST(tick_text(3e-5, 1e-5) == "3e-05");
  BOOST_TEST(tick_text(1e15, 1e15) == "1e+15");
}

BOOST_AUTO_TEST_CASE(times_are_minutes_and_hours) {
  BOOST_TEST(texts({Scale::Kind::seconds, 0, 130}) == "0:00 0:30 1:00 1:30 2:00");
  BOOST_TEST(texts({Scale::Kind::seconds, 0, 12'000}) == "0:00 1:00:00 2:00:00 3:00:00");
  BOOST_TEST(Scale(Scale::Kind::seconds, 0, 1e9).ticks().size() <= 6U);
}

BOOST_AUTO_TEST_CASE(wide_positive_values_have_a_logarithmic_scale) {
  const Scale wide = Scale::for_values(0.5, 900, 0.4);
  BOOST_TEST((wide.kind() == Scale::Kind::logarithmic));
  BOOST_TEST(texts(wide) == "1 10 100 1000");
  BOOST_TEST(wide.place(900) - wide.place(90) == wide.place(9) - wide.place(0.9), boost::test_tools::tolerance(1e-9));
  BOOST_TEST(wide.place(0) < 0);  // off the chart, not at minus infinity
  BOOST_TEST((Scale::for_values(0.5, 900, -1).kind() == Scale::Kind::linear));
  BOOST_TEST((Scale::for_values(100, 900, 100).kind() == Scale::Kind::linear));
  const Scale narrow = Scale::for_values(1, 40, 1);
  BOOST_TEST(texts(narrow) == "1 2 5 10 20");
}

// Seven and a half active units are no tick.
BOOST_AUTO_TEST_CASE(counts_have_whole_ticks) {
  BOOST_TEST(texts(Scale::for_values(7, 8, 7, true)) == "7 8");
  BOOST_TEST(texts(Scale::for_values(7, 8, 7)) == "7.0 7.5 8.0");
}

BOOST_AUTO_TEST_CASE(one_value_stands_in_the_middle) {
  const Scale scale = Scale::for_values(4, 4, 4);
  BOOST_TEST(scale.place(4) == 0.5, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(!scale.ticks().empty());
  BOOST_TEST(Scale::for_values(0, 0, 0).place(0) == 0.5, boost::test_tools::tolerance(1e-9));
}
