#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(gaussian_log_density)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("gaussian_log_density"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  auto tester = node("gaussian_log_density");
  for (const char* port : {"mu", "logvar", "value"}) tester.random_input(port, {3, 2, 300});
  expect_ok(tester.check());
}

BOOST_AUTO_TEST_CASE(shapes_must_agree) {
  auto tester = node("gaussian_log_density");
  expect_error(tester.random_input("mu", {3, 5}).random_input("logvar", {3, 5}).random_input("value", {3, 6}), "value");
}

BOOST_AUTO_TEST_SUITE_END()
