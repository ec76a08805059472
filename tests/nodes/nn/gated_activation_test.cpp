#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(gated_activation)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("gated_activation"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  auto tester = node("gated_activation");
  expect_ok(tester.random_input("x", {3, 4, 10}).check());
}

BOOST_AUTO_TEST_CASE(an_odd_number_of_channels_is_refused) {
  auto tester = node("gated_activation");
  expect_error(tester.random_input("x", {3, 5}), "even number");
}

BOOST_AUTO_TEST_SUITE_END()
