#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(linear)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("linear"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  for (const char* activation : {"none", "relu", "tanh", "silu"}) {
    auto tester = node("linear");
    expect_ok(tester.option("units", 6).option("activation", activation).random_input("x", {4, 3, 5}).check());
  }
  auto bare = node("linear");
  expect_ok(bare.option("units", 3).option("bias", false).random_input("x", {4, 7}).check());
}

BOOST_AUTO_TEST_CASE(many_rows_take_the_plain_weight) {
  auto tester = node("linear");
  expect_ok(tester.option("units", 9).random_input("x", {130, 17}).check());
}

BOOST_AUTO_TEST_CASE(parameters_have_pytorch_shapes) {
  auto tester = node("linear");
  const NodeResult result = tester.option("units", 4).random_input("x", {2, 6}).run_random();
  BOOST_TEST((result.diff_parameters.at("weight").shape() == loom::Shape{4, 6}));
  BOOST_TEST((result.diff_parameters.at("bias").shape() == loom::Shape{4}));
  BOOST_TEST((result.outputs.at("y").shape() == loom::Shape{2, 4}));
}

BOOST_AUTO_TEST_CASE(reports_bad_options) {
  auto missing = node("linear");
  expect_error(missing.random_input("x", {2, 3}), "units");
  auto zero = node("linear");
  expect_error(zero.option("units", 0).random_input("x", {2, 3}), ">= 1");
  auto unknown = node("linear");
  expect_error(unknown.option("units", 2).option("activation", "rleu").random_input("x", {2, 3}), "relu");
  auto scalar = node("linear");
  expect_error(scalar.option("units", 2).random_input("x", {2}), "wrong number of axes");
}

BOOST_AUTO_TEST_SUITE_END()
