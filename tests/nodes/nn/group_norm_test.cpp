#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(group_norm)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("group_norm"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  auto tester = node("group_norm");
  expect_ok(tester.option("groups", 2).random_input("x", {3, 4, 5, 6}, 2, 1).check());
  auto bare = node("group_norm");
  expect_ok(bare.option("groups", 1).option("affine", false).random_input("x", {3, 8}).check());
}

BOOST_AUTO_TEST_CASE(reports_groups_that_do_not_divide) {
  auto tester = node("group_norm");
  expect_error(tester.option("groups", 4).random_input("x", {3, 6}), "divide the channels");
}

BOOST_AUTO_TEST_SUITE_END()
