#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(layer_norm)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("layer_norm"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  auto tester = node("layer_norm");
  expect_ok(tester.random_input("x", {3, 4, 7}, 2, 1).check());
  auto bare = node("layer_norm");
  expect_ok(bare.option("affine", false).random_input("x", {3, 7}).check());
}

BOOST_AUTO_TEST_SUITE_END()
