// Draws: the distributions' moments and Kolmogorov-Smirnov distances, and values that no shard changes.
#include <algorithm>
#include <numbers>

#include "nodes/node_checks.h"

using namespace loom::check;

namespace {

constexpr std::int64_t kRows = 200, kEach = 500;

std::vector<float> drawn(NodeTester tester) {
  const loom::Tensor y =
      tester.samples(kRows).option("shape", list({static_cast<int>(kEach)})).run().outputs.at("y").clone();
  return {y.values().begin(), y.values().end()};
}

// The largest distance between the values' distribution and `cumulative`.
template <class Function>
double distance(std::vector<float> values, const Function& cumulative) {
  std::ranges::sort(values);
  double largest = 0;
  const auto count = static_cast<double>(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double expected = cumulative(static_cast<double>(values[i]));
    largest = std::max({largest, std::abs(static_cast<double>(i) / count - expected),
                        std::abs(static_cast<double>(i + 1) / count - expected)});
  }
  return largest;
}

// At this distance a test with 100,000 values rejects at the level 0.001.
constexpr double kLimit = 1.95 / 316.2;

}  // namespace

BOOST_AUTO_TEST_SUITE(draws)

BOOST_AUTO_TEST_CASE(follow_their_distributions) {
  auto uniform = node("uniform");
  uniform.option("low", -2.0).option("high", 3.0);
  const std::vector<float> u = drawn(std::move(uniform));
  BOOST_TEST(distance(u, [](double x) { return (x + 2) / 5; }) < kLimit);
  BOOST_TEST(*std::ranges::min_element(u) >= -2);
  BOOST_TEST(*std::ranges::max_element(u) < 3);
  auto normal = node("normal");
  normal.option("mean", 1.0).option("std", 2.0);
  BOOST_TEST(distance(drawn(std::move(normal)),
                      [](double x) { return std::erfc(-(x - 1) / 2 / std::numbers::sqrt2) / 2; }) < kLimit);
  auto gumbel = node("gumbel");
  gumbel.option("location", -1.0).option("scale", 0.5);
  BOOST_TEST(distance(drawn(std::move(gumbel)), [](double x) { return std::exp(-std::exp(-(x + 1) / 0.5)); }) < kLimit);
  auto bernoulli = node("bernoulli");
  bernoulli.option("probability", 0.3);
  const std::vector<float> b = drawn(std::move(bernoulli));
  BOOST_TEST(std::ranges::all_of(b, [](float v) { return v == 0 || v == 1; }));
  BOOST_TEST(std::abs(std::ranges::count(b, 1.0F) - 30000) < 480);  // 3.3 standard deviations
}

BOOST_AUTO_TEST_CASE(extreme_probabilities) {
  for (const double p : {0.0, 1.0}) {
    auto tester = node("bernoulli");
    tester.option("probability", p);
    const std::vector<float> values = drawn(std::move(tester));
    BOOST_TEST(std::ranges::all_of(values, [&](float v) { return static_cast<double>(v) == p; }));
  }
}

BOOST_AUTO_TEST_CASE(permutations_hold_each_place_once_and_are_uniform) {
  auto tester = node("permutation");
  tester.option("shape", list({50, 4})).samples(240);
  const loom::Tensor y = tester.run().outputs.at("y").clone();
  std::map<std::vector<std::int32_t>, int> seen;
  const auto values = y.values<std::int32_t>();
  for (std::size_t at = 0; at < values.size(); at += 4) {
    const std::vector<std::int32_t> order(values.begin() + static_cast<std::ptrdiff_t>(at),
                                          values.begin() + static_cast<std::ptrdiff_t>(at + 4));
    std::vector<std::int32_t> sorted = order;
    std::ranges::sort(sorted);
    BOOST_REQUIRE((sorted == std::vector<std::int32_t>{0, 1, 2, 3}));
    ++seen[order];
  }
  BOOST_TEST(seen.size() == 24U);
  double chi = 0;
  for (const auto& [order, count] : seen) chi += (count - 500.0) * (count - 500.0) / 500;
  BOOST_TEST(chi < 50);  // 23 degrees of freedom: 49.7 at the level 0.001
}

BOOST_AUTO_TEST_CASE(no_shard_changes_a_value) {
  for (const std::string type : {"uniform", "normal", "bernoulli", "gumbel", "permutation"}) {
    auto tester = node(type);
    const Report report = tester.option("shape", list({3, 5})).samples(32).check();
    BOOST_TEST(report.ok(), type << ": " << report.text());
  }
}

BOOST_AUTO_TEST_CASE(take_the_shape_of_a_port) {
  for (const std::string type : {"uniform", "permutation"}) {
    auto tester = node(type);
    const auto shapes = tester.random_input("like", {6, 2, 7}).output_shapes();
    BOOST_TEST(shapes.front().event().text() == "[2, 7]");
    auto codes = node(type);
    codes.input("like", tensor_of({3, 2}, std::vector<std::int32_t>{1, 2, 3, 4, 5, 6}));
    BOOST_TEST(codes.run().outputs.at("y").shape().text() == "[3, 2]");
  }
}

BOOST_AUTO_TEST_CASE(report_what_is_wrong) {
  auto neither = node("normal");
  expect_error(neither.samples(2), "the shape is not known");
  auto both = node("normal");
  expect_error(both.option("shape", list({2})).random_input("like", {2, 2}), "given twice");
  auto point = node("permutation");
  expect_error(point.option("shape", list({})).samples(2), "no axis to shuffle");
}

BOOST_AUTO_TEST_SUITE_END()
