#include "report/chart.h"

#include "report/chart_scale.h"

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

// Long names of runs once lay on top of each other and of the title.
BOOST_AUTO_TEST_CASE(legends_do_not_collide) {
  std::vector<Series> all;
  for (int i = 0; i < 6; ++i) {
    all.push_back(curve(20, [i](int x) { return x + i; }));
    all.back().name = "experiments/colour/learning-rate-sweep/beta-vae-" + std::to_string(i) + std::string(30, 'x');
  }
  const std::string chart = line_chart("negative ELBO", all);
  BOOST_TEST(count(chart, "...") == 6U);
  std::vector<std::pair<double, double>> places;
  for (std::size_t at = chart.find("<text class=\"label\" x=\"74"); at != std::string::npos;
       at = chart.find("<text class=\"label\" x=\"74", at + 1))
    places.emplace_back(74, std::stod(chart.substr(chart.find("y=\"", at) + 3)));
  BOOST_REQUIRE(places.size() == 6U);
  for (std::size_t i = 1; i < places.size(); ++i) BOOST_TEST(places[i].second - places[i - 1].second > 12);
}

BOOST_AUTO_TEST_CASE(what_is_empty_or_constant) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  double value = 0;
  BOOST_TEST(!has_values({}));
  BOOST_TEST(!has_values({curve(3, [&](int) { return nan; })}));
  BOOST_TEST(!is_constant({curve(3, [&](int) { return nan; })}, value));
  BOOST_TEST(is_constant({curve(3, [](int) { return 0.5; })}, value));
  BOOST_TEST(value == 0.5);
  BOOST_TEST(!is_constant({curve(3, [](int x) { return x == 2 ? 1.0 : 0.5; })}, value));
  BOOST_TEST(!is_constant({curve(3, [&](int x) { return x == 2 ? nan : 0.5; })}, value));
  BOOST_TEST(count(line_chart("loss", {}), "no values") == 1U);
}

BOOST_AUTO_TEST_CASE(what_is_measured_once) {
  const auto one = curve(1, [](int) { return 0.5; }), other = curve(1, [](int) { return 0.25; });
  BOOST_TEST(is_measured_once({one, other}));
  BOOST_TEST(!is_measured_once({one, curve(2, [](int x) { return x; })}));
}
