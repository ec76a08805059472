#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(flatten)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("flatten"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  auto tester = node("flatten");
  expect_ok(tester.random_input("x", {2, 3, 4}).check());
  BOOST_TEST((tester.output_shapes().front() == loom::Shape{loom::kBatch, 12}));
}

BOOST_AUTO_TEST_SUITE_END()
