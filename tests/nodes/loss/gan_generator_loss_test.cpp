#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(gan_generator_loss)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("gan_generator_loss"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  for (const char* kind : {"logistic", "hinge", "least_squares"}) {
    auto tester = node("gan_generator_loss");
    tester.option("kind", kind).random_inputs();
    expect_ok(tester.check());
  }
}

BOOST_AUTO_TEST_CASE(kinds_are_named) {
  auto tester = node("gan_generator_loss");
  expect_error(tester.option("kind", "logistc").random_input("fake", {3, 1}), "logistic");
}

BOOST_AUTO_TEST_SUITE_END()
