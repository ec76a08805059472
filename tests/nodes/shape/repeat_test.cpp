#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(repeat)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("repeat"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  auto tester = node("repeat");
  expect_ok(tester.option("times", 4).random_input("x", {3, 2, 2}).check());
}

BOOST_AUTO_TEST_CASE(the_batch_is_longer) {
  auto tester = node("repeat");
  BOOST_TEST(
      (tester.option("times", 5).random_input("x", {3, 2}).output_shapes()[0].at_batch(3) == loom::Shape{15, 2}));
}

BOOST_AUTO_TEST_SUITE_END()
