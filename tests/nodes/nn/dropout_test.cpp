#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(dropout)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("dropout", {.option_names = {{"p", "rate"}}}); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  auto training = node("dropout");
  expect_ok(training.option("rate", 0.3).random_input("x", {3, 9, 4}).check());
  auto evaluation = node("dropout");
  expect_ok(evaluation.random_input("x", {3, 9}).evaluation().check());
}

BOOST_AUTO_TEST_CASE(drops_the_share_it_says_and_keeps_the_mean) {
  auto tester = node("dropout");
  const NodeResult result = tester.option("rate", 0.25).input("x", random_tensor({4, 5000}, 1, 0, 1)).run();
  double zeros = 0, sum = 0;
  for (float value : result.outputs.at("y").values()) {
    zeros += value == 0 ? 1 : 0;
    sum += static_cast<double>(value);
  }
  BOOST_TEST(std::abs(zeros / 20000 - 0.25) < 0.02);
  BOOST_TEST(std::abs(sum / 20000 - 1) < 0.02);
}

BOOST_AUTO_TEST_CASE(reports_a_rate_of_one) {
  auto tester = node("dropout");
  expect_error(tester.option("rate", 1.0).random_input("x", {3, 6}), "< 1");
}

BOOST_AUTO_TEST_SUITE_END()
