#include "check/incremental_check.h"
#include "nodes/node_checks.h"

using namespace loom::check;
using loom::Filled;

BOOST_AUTO_TEST_SUITE(shift)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("shift"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  for (const int by : {1, -2, 0, 5}) {
    auto tester = node("shift");
    expect_ok(tester.option("axis", 1).option("by", by).random_input("x", {3, 5, 2}).check());
  }
  auto batch = node("shift");
  expect_ok(batch.option("axis", 0).samples(3).random_input("x", {6, 2}).check());
}

BOOST_AUTO_TEST_CASE(zeros_take_the_free_places) {
  auto tester = node("shift");
  tester.option("by", 2).input("x", tensor_of({1, 4}, std::vector<float>{1, 2, 3, 4}));
  Report report;
  compare(report, "y", tester.run().outputs.at("y"), tensor_of({1, 4}, std::vector<float>{0, 0, 1, 2}), 0);
  expect_ok(report);
}

BOOST_AUTO_TEST_CASE(position_by_position) {
  for (const int by : {0, 1, 3}) {
    const auto sees = [=](const Glance& g) { return g.to.column - g.from.column == by && g.to.row == g.from.row; };
    const Filled gives = by == 0 ? Filled::before : Filled::through;
    auto sequence = node("shift");
    sequence.option("axis", 1).option("by", by).random_input("x", {3, 7, 2});
    expect_ok(check_incremental(sequence, {.fills = {{"x", Filled::before}}, .gives = {{"y", gives}}, .sees = sees}));
    auto image = node("shift");
    image.option("axis", -2).option("by", by).random_input("x", {2, 3, 5, 2});
    expect_ok(
        check_incremental(image, {.axes = 2, .fills = {{"x", Filled::before}}, .gives = {{"y", gives}}, .sees = sees}));
  }
  auto down = node("shift");
  down.option("axis", 1).random_input("x", {2, 4, 3, 2});
  const auto above = [](const Glance& g) { return g.to.row - g.from.row == 1 && g.to.column == g.from.column; };
  expect_ok(check_incremental(
      down, {.axes = 2, .fills = {{"x", Filled::before}}, .gives = {{"y", Filled::through}}, .sees = above}));
  expect_ok(check_incremental(down, {.axes = 2, .fills = {{"x", Filled::rows_before}}, .sees = above}));
}

BOOST_AUTO_TEST_CASE(says_what_has_no_incremental_face) {
  auto towards_the_start = node("shift");
  towards_the_start.option("axis", 1).option("by", -1).random_input("x", {2, 5, 3});
  BOOST_CHECK_THROW(check_incremental(towards_the_start, {.fills = {{"x", Filled::before}}}), loom::Error);
  auto channels = node("shift");
  channels.random_input("x", {2, 5, 3});
  BOOST_CHECK_THROW(check_incremental(channels, {.fills = {{"x", Filled::before}}}), loom::Error);
}

BOOST_AUTO_TEST_CASE(reports_an_axis_that_is_not_there) {
  auto tester = node("shift");
  expect_error(tester.option("axis", -3).random_input("x", {2, 4}), "no axis -3");
}

BOOST_AUTO_TEST_CASE(reports_that_a_sample_has_one_row) {
  auto tester = node("shift");
  expect_error(tester.option("axis", 0).option("by", 1).random_input("x", {5, 4}), "shuffle_batch");
  auto negative = node("shift");
  expect_error(negative.option("axis", -2).option("by", 1).random_input("x", {5, 4}), "shuffle_batch");
}

BOOST_AUTO_TEST_SUITE_END()
