#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(laplace_nll)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("laplace_nll"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  auto tester = node("laplace_nll");
  expect_ok(
      tester.option("scale", 0.4).random_input("mean", {3, 4, 5}).random_input("target", {3, 4, 5}, 0.5, 0.2).check());
}

BOOST_AUTO_TEST_CASE(reports_other_shapes) {
  auto tester = node("laplace_nll");
  expect_error(tester.random_input("mean", {3, 4}).random_input("target", {3, 5}), " here and ");
}

BOOST_AUTO_TEST_SUITE_END()
