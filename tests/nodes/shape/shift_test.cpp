#include "nodes/node_checks.h"

using namespace loom::testing;

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

BOOST_AUTO_TEST_CASE(reports_an_axis_that_is_not_there) {
  auto tester = node("shift");
  expect_error(tester.option("axis", -3).random_input("x", {2, 4}), "no axis -3");
}

BOOST_AUTO_TEST_SUITE_END()
