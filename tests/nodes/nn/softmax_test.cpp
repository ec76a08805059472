#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(softmax)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("softmax"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  for (bool log : {false, true}) {
    auto last = node("softmax");
    expect_ok(last.option("log", log).random_input("x", {3, 4, 5}).check());
    auto middle = node("softmax");
    expect_ok(middle.option("log", log).option("axis", 1).random_input("x", {3, 4, 5}).check());
  }
}

BOOST_AUTO_TEST_CASE(reports_bad_axes) {
  auto batch = node("softmax");
  expect_error(batch.option("axis", 0).random_input("x", {3, 4}), "along the batch");
  auto none = node("softmax");
  expect_error(none.option("axis", 2).random_input("x", {3, 4}), "no axis 2");
}

BOOST_AUTO_TEST_SUITE_END()
