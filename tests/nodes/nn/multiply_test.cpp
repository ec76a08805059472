#include "check/incremental_check.h"
#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(multiply)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("multiply"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  auto tester = node("multiply");
  expect_ok(tester.random_input("x0", {3, 4, 5}).random_input("x1", {3, 4, 5}).random_input("x2", {3, 4, 5}).check());
  auto one = node("multiply");
  expect_ok(one.random_input("x0", {3, 5}).check());
}

BOOST_AUTO_TEST_CASE(broadcasts_from_the_last_axis_on) {
  auto gate = node("multiply");
  expect_ok(gate.random_input("x0", {3, 4}).random_input("x1", {3, 1}).check());
  auto number = node("multiply");  // one for each sample
  expect_ok(number.random_input("x0", {3}).random_input("x1", {3, 2, 4}).check());
  auto both = node("multiply");
  both.random_input("x0", {3, 2, 1, 4}).random_input("x1", {3, 5, 1}).random_input("x2", {3, 2, 5, 4});
  BOOST_TEST(both.output_shapes().front().event().text() == "[2, 5, 4]");
  expect_ok(both.check());
}

BOOST_AUTO_TEST_CASE(a_gate_of_each_position_works_position_by_position) {
  auto tester = node("multiply");
  tester.random_input("x0", {3, 6, 4}).random_input("x1", {3, 6, 1});
  expect_ok(check_incremental(tester, {.fills = {{"x0", loom::Filled::before}, {"x1", loom::Filled::before}}}));
}

BOOST_AUTO_TEST_CASE(reports_other_shapes) {
  auto tester = node("multiply");
  expect_error(tester.random_input("x0", {3, 4}).random_input("x1", {3, 5}), "cannot be broadcast together");
}

BOOST_AUTO_TEST_SUITE_END()
