#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(feature_nll)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("feature_nll"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  auto tester = node("feature_nll");
  expect_ok(
      tester.option("sigma", 0.4).random_input("features", {3, 2, 2, 4}).random_input("target", {3, 2, 2, 4}).check());
}

BOOST_AUTO_TEST_CASE(shapes_must_agree) {
  auto tester = node("feature_nll");
  expect_error(tester.random_input("features", {3, 4}).random_input("target", {3, 5}), "target");
}

BOOST_AUTO_TEST_SUITE_END()
