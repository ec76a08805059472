#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(squared_error)

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  auto tester = node("squared_error");
  expect_ok(tester.random_input("x", {3, 4, 5}).random_input("target", {3, 4, 5}, 0.5, 0.2).check());
}

BOOST_AUTO_TEST_CASE(is_the_sum_of_squares) {
  auto tester = node("squared_error");
  tester.input("x", tensor_of({2, 2}, std::vector<float>{1, 2, 3, 4}))
      .input("target", tensor_of({2, 2}, std::vector<float>{0, 0, 3, 2}));
  Report report;
  compare(report, "loss", tester.run().outputs.at("loss"), tensor_of({2}, std::vector<float>{5, 4}), 0);
  expect_ok(report);
}

BOOST_AUTO_TEST_CASE(reports_other_shapes) {
  auto tester = node("squared_error");
  expect_error(tester.random_input("x", {3, 4}).random_input("target", {3, 5}), " here and ");
}

BOOST_AUTO_TEST_SUITE_END()
