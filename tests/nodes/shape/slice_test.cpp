#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(slice)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("slice"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  auto tester = node("slice");
  expect_ok(tester.option("axis", 1).option("start", 1).option("stop", 4).random_input("x", {3, 5, 2}).check());
  auto batch = node("slice");
  expect_ok(batch.option("axis", 0).samples(3).random_input("x", {6, 2}).option("start", 1).check());
}

BOOST_AUTO_TEST_CASE(counts_from_the_end) {
  auto tester = node("slice");
  tester.option("start", -2).input("x", tensor_of({1, 4}, std::vector<float>{1, 2, 3, 4}));
  Report report;
  compare(report, "y", tester.run().outputs.at("y"), tensor_of({1, 2}, std::vector<float>{3, 4}), 0);
  expect_ok(report);
}

BOOST_AUTO_TEST_CASE(reports_bad_ranges) {
  auto empty = node("slice");
  expect_error(empty.option("start", 3).option("stop", 3).random_input("x", {2, 4}), "empty");
  auto beyond = node("slice");
  expect_error(beyond.option("stop", 9).random_input("x", {2, 4}), "`stop` is beyond the axis");
  auto before = node("slice");
  expect_error(before.option("start", -5).random_input("x", {2, 4}), "`start` is beyond the axis");
  auto axis = node("slice");
  expect_error(axis.option("axis", -3).random_input("x", {2, 4}), "no axis -3");
}

BOOST_AUTO_TEST_SUITE_END()
