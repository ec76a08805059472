#include "check/incremental_check.h"
#include "nodes/node_checks.h"

using namespace loom::check;
using loom::Filled;

namespace {

NodeTester masked(const char* mask, int kernel = 3) {
  auto tester = node("masked_conv");
  tester.option("filters", 4).option("kernel", kernel).option("mask", mask);
  return tester;
}

// What a kernel of 2 rows + 1 by 2 columns + 1 shows.
auto visible(std::int64_t rows, std::int64_t columns, bool strict) {
  return [=](const Glance& g) {
    const std::int64_t down = g.to.row - g.from.row, right = g.to.column - g.from.column;
    if (down == 0) return right >= (strict ? 1 : 0) && right <= columns;
    return down > 0 && down <= rows && std::abs(right) <= columns;
  };
}

}  // namespace

BOOST_AUTO_TEST_SUITE(masked_conv)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("masked_conv"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  for (const char* mask : {"A", "B"}) {
    auto image = masked(mask);
    expect_ok(image.random_input("x", {2, 4, 5, 3}).check());
    auto sequence = masked(mask, 5);
    expect_ok(sequence.option("activation", "silu").random_input("x", {3, 9, 2}).check());
  }
  auto wide = node("masked_conv");
  expect_ok(wide.option("filters", 3)
                .option("kernel", list({3, 7}))
                .option("bias", false)
                .option("activation", "relu")
                .random_input("x", {2, 5, 3, 2})
                .check());
}

BOOST_AUTO_TEST_CASE(hidden_weights_have_no_influence_and_no_gradient) {
  auto tester = masked("B");
  tester.random_input("x", {1, 3, 3, 1}).option("filters", 1);
  const NodeResult plain = tester.run_random();
  loom::Tensor weight(loom::DType::f32, {1, 1, 3, 3});
  Report report;
  for (std::size_t i = 0; i < 9; ++i) {
    weight.values()[i] = i <= 4 ? 0.5F : std::nanf("");
    if (i > 4) BOOST_TEST(plain.diff_parameters.at("weight").values()[i] == 0);
    if (i <= 4) BOOST_TEST(plain.diff_parameters.at("weight").values()[i] != 0);
  }
  tester.parameter("weight", std::move(weight));
  const NodeResult hidden = tester.run_random();
  for (const float value : hidden.outputs.at("y").values()) BOOST_TEST(std::isfinite(value));
}

BOOST_AUTO_TEST_CASE(sees_every_earlier_position_and_no_later_one) {
  auto a = masked("A", 5);
  a.option("activation", "elu").random_input("x", {3, 4, 6, 2});
  expect_ok(check_incremental(
      a,
      {.axes = 2, .fills = {{"x", Filled::before}}, .gives = {{"y", Filled::through}}, .sees = visible(2, 2, true)}));
  auto b = masked("B");
  b.option("bias", false).random_input("x", {2, 4, 5, 3});
  for (const Filled fill : {Filled::through, Filled::before, Filled::rows_before}) {
    expect_ok(check_incremental(
        b, {.axes = 2, .fills = {{"x", fill}}, .gives = {{"y", fill}}, .sees = visible(1, 1, false)}));
  }
  auto one = masked("B");
  one.option("activation", "relu").random_input("x", {1, 3, 4, 3});
  expect_ok(check_incremental(one, {.axes = 2, .fills = {{"x", Filled::through}}}));
  for (const bool strict : {true, false}) {
    auto sequence = masked(strict ? "A" : "B", 7);
    sequence.random_input("x", {2, 9, 3});
    expect_ok(check_incremental(
        sequence, {.fills = {{"x", strict ? Filled::before : Filled::through}}, .sees = visible(0, 3, strict)}));
  }
}

BOOST_AUTO_TEST_CASE(reports_what_does_not_fit) {
  auto even = masked("A", 4);
  expect_error(even.random_input("x", {2, 5, 5, 3}), "an odd kernel");
  auto blind = masked("A", 1);
  expect_error(blind.random_input("x", {2, 5, 5, 3}), "no position is visible");
  auto rank = masked("A");
  expect_error(rank.random_input("x", {2, 5}), "a sequence or an image");
  auto mask = masked("C");
  expect_error(mask.random_input("x", {2, 5, 5, 3}), "one of A, B");
}

BOOST_AUTO_TEST_SUITE_END()
