#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(upsample)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("upsample"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  auto image = node("upsample");
  expect_ok(image.option("factor", list({2, 3})).random_input("x", {2, 3, 2, 5}).check());
  auto sequence = node("upsample");
  expect_ok(sequence.option("factor", 4).random_input("x", {2, 3, 5}).check());
}

BOOST_AUTO_TEST_CASE(reports_what_does_not_fit) {
  auto rank = node("upsample");
  expect_error(rank.random_input("x", {2, 4}), "a sequence, an image or a volume");
  auto axes = node("upsample");
  expect_error(axes.option("factor", list({2, 2})).random_input("x", {2, 4, 3}), "spatial axes");
}

BOOST_AUTO_TEST_SUITE_END()
