#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(split)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("split"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  auto equal = node("split");
  expect_ok(equal.option("parts", 3).random_input("x", {2, 4, 6}).check());
  auto sizes = node("split");
  expect_ok(sizes.option("parts", list({1, 3})).option("axis", 1).random_input("x", {2, 4, 3}).check());
}

BOOST_AUTO_TEST_CASE(ports_beyond_the_parts_are_absent) {
  auto tester = node("split");
  const auto shapes = tester.option("parts", list({1, 3})).random_input("x", {2, 4}).output_shapes();
  BOOST_TEST((shapes[0] == loom::Shape{loom::kBatch, 1}));
  BOOST_TEST((shapes[1] == loom::Shape{loom::kBatch, 3}));
  BOOST_TEST(shapes[2].rank() == 0);
}

BOOST_AUTO_TEST_CASE(reports_parts_that_do_not_fit) {
  auto uneven = node("split");
  expect_error(uneven.option("parts", 3).random_input("x", {2, 4}), "add up");
  auto short_of = node("split");
  expect_error(short_of.option("parts", list({1, 2})).random_input("x", {2, 4}), "add up");
  auto many = node("split");
  expect_error(many.option("parts", 9).random_input("x", {2, 18}), "at most 8");
}

BOOST_AUTO_TEST_SUITE_END()
