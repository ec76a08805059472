#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(batch_norm)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("batch_norm"); }

BOOST_AUTO_TEST_CASE(gradients) {
  auto training = node("batch_norm");
  expect_ok(training.random_input("x", {6, 3, 5}, 2, 1).check());
  auto evaluation = node("batch_norm");
  expect_ok(evaluation.random_input("x", {4, 5}, 2, 1).evaluation().check());
  auto bare = node("batch_norm");
  expect_ok(bare.option("affine", false).random_input("x", {6, 5}).check());
}

BOOST_AUTO_TEST_CASE(is_accurate_far_from_zero) {
  auto tester = node("batch_norm");
  const NodeResult result = tester.option("affine", false).random_input("x", {4000, 2}, 1, 1000).run();
  double sum = 0, squares = 0;
  for (float value : result.outputs.at("y").values()) {
    sum += static_cast<double>(value);
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  BOOST_TEST(std::abs(sum / 8000) < 1e-3);
  BOOST_TEST(std::abs(squares / 8000 - 1) < 1e-3);
}

BOOST_AUTO_TEST_CASE(evaluation_leaves_the_statistics) {
  auto tester = node("batch_norm");
  const NodeResult result = tester.random_input("x", {4, 5}, 2, 1).evaluation().run();
  for (float value : result.states.at("running_mean").values()) BOOST_TEST(value == 0);
}

BOOST_AUTO_TEST_CASE(needs_two_values) {
  auto tester = node("batch_norm");
  BOOST_CHECK_THROW(tester.random_input("x", {1, 5}).run(), loom::Error);
}

BOOST_AUTO_TEST_SUITE_END()
