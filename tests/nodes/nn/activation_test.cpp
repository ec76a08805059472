#include "math/activation.h"
#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(activation)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("activation"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  for (const std::string& function : loom::math::activation_names()) {
    BOOST_TEST_CONTEXT(function) {
      auto tester = node("activation");
      expect_ok(tester.option("function", function).random_input("x", {3, 7, 3}, 1.5).check());
    }
  }
}

BOOST_AUTO_TEST_CASE(reports_unknown_functions) {
  auto tester = node("activation");
  expect_error(tester.option("function", "tahn").random_input("x", {2, 3}), "tanh");
}

BOOST_AUTO_TEST_SUITE_END()
