#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(bernoulli_nll)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("bernoulli_nll"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  auto tester = node("bernoulli_nll");
  expect_ok(tester.random_input("logits", {3, 4, 5}).random_input("target", {3, 4, 5}, 0.5, 0.2).check());
}

BOOST_AUTO_TEST_CASE(stays_finite_for_extreme_logits) {
  auto tester = node("bernoulli_nll");
  tester.input("logits", tensor_of({1, 2}, std::vector<float>{1000, -1000}))
      .input("target", tensor_of({1, 2}, std::vector<float>{0, 0}));
  BOOST_TEST(tester.run().outputs.at("loss").values()[0] == 1000);
}

BOOST_AUTO_TEST_CASE(reports_other_shapes) {
  auto tester = node("bernoulli_nll");
  expect_error(tester.random_input("logits", {3, 4}).random_input("target", {3, 5}), " here and ");
}

BOOST_AUTO_TEST_SUITE_END()
