#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(add)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("add"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  auto tester = node("add");
  expect_ok(tester.random_input("x0", {3, 4, 5}).random_input("x1", {3, 4, 5}).random_input("x2", {3, 4, 5}).check());
  auto one = node("add");
  expect_ok(one.random_input("x0", {3, 5}).check());
}

BOOST_AUTO_TEST_CASE(reports_other_shapes) {
  auto tester = node("add");
  expect_error(tester.random_input("x0", {3, 4}).random_input("x1", {3, 5}), " here and ");
}

BOOST_AUTO_TEST_SUITE_END()
