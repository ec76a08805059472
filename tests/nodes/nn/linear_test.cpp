#include "nodes/node_checks.h"

using namespace loom;
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

// A matrix with one large singular value, which a few steps of power iteration find: u and v move no more.
BOOST_AUTO_TEST_CASE(normalised_weights_have_gradients) {
  Tensor weight = random_tensor({4, 5}, 3, 0.2);
  for (std::int64_t i = 0; i < 20; ++i)
    weight.values()[static_cast<std::size_t>(i)] += 1.0F + 0.3F * static_cast<float>(i / 5);
  for (const char* norm : {"spectral", "weight"}) {
    auto tester = node("linear");
    tester.option("units", 4).option("norm", norm).random_input("x", {6, 5}).parameter("weight", weight.clone());
    expect_ok(tester.check());
  }
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
