#include "report/chart.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

using namespace loom::report;

namespace {

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

Series curve(int points, const std::function<double(int)>& y) {
  Series series{"loss", {}};
  for (int i = 0; i < points; ++i) series.points.emplace_back(i, y(i));
  return series;
}

}  // namespace

BOOST_AUTO_TEST_CASE(ticks_are_round_and_inside) {
  BOOST_TEST(round_ticks(0, 10, 4) == std::vector<double>({0, 5, 10}), boost::test_tools::per_element());
  BOOST_TEST(round_ticks(-1.3, 1.1, 4) == std::vector<double>({-1, 0, 1}), boost::test_tools::per_element());
  BOOST_TEST(round_ticks(3, 3, 4).empty());
  BOOST_TEST(round_ticks(0, std::numeric_limits<double>::infinity(), 4).empty());
}

// Values whose last bits differ: once there were as many ticks as memory.
BOOST_AUTO_TEST_CASE(rounding_is_no_spread) {
  const double value = 162.8203125;
  BOOST_TEST(round_ticks(value, std::nextafter(value, 1e9), 4).empty());
  const std::string chart =
      line_chart("loss", {curve(500, [&](int i) { return i % 2 == 0 ? value : std::nextafter(value, 1e9); })});
  BOOST_TEST(chart.size() < 30'000);
  BOOST_TEST(count(chart, "<text") < 20);
  BOOST_TEST(count(chart, "nan") == 0);
}

BOOST_AUTO_TEST_CASE(gaps_stay_gaps) {
  const double gap = std::numeric_limits<double>::quiet_NaN();
  const std::string whole = line_chart("loss", {curve(20, [](int i) { return i; })});
  const std::string broken = line_chart("loss", {curve(20, [&](int i) { return i == 10 ? gap : i; })});
  BOOST_TEST(count(broken, "nan") == 0);
  BOOST_TEST(count(broken, "M") == count(whole, "M") + 1);
}

BOOST_AUTO_TEST_CASE(a_mark_tells_what_happened) {
  const std::string chart = line_chart("loss", {curve(20, [](int i) { return i; })}, {{7, "kl is mmd & more"}});
  BOOST_TEST(count(chart, "class=\"mark\"") == 1);
  BOOST_TEST(count(chart, "kl is mmd &amp; more") == 1);
}
