#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(gaussian_nll)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("gaussian_nll"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  auto tester = node("gaussian_nll");
  expect_ok(
      tester.option("sigma", 0.6).random_input("mean", {3, 4, 5}).random_input("target", {3, 4, 5}, 0.5, 0.2).check());
}

BOOST_AUTO_TEST_CASE(gradients_of_a_learned_sigma) {
  for (const char* sigma : {"learned", "per_dimension"}) {
    auto tester = node("gaussian_nll");
    expect_ok(tester.option("sigma", sigma).random_input("mean", {3, 4, 5}).random_input("target", {3, 4, 5}).check());
  }
}

BOOST_AUTO_TEST_CASE(log_sigma_has_the_shape_of_what_it_scales) {
  auto one = node("gaussian_nll");
  one.option("sigma", "learned").random_input("mean", {3, 4}).random_input("target", {3, 4});
  BOOST_TEST((one.run_random().diff_parameters.at("log_sigma").shape() == loom::Shape{1}));
  auto each = node("gaussian_nll");
  each.option("sigma", "per_dimension").random_input("mean", {3, 4}).random_input("target", {3, 4});
  BOOST_TEST((each.run_random().diff_parameters.at("log_sigma").shape() == loom::Shape{4}));
}

BOOST_AUTO_TEST_CASE(reports_other_shapes) {
  auto tester = node("gaussian_nll");
  expect_error(tester.random_input("mean", {3, 4}).random_input("target", {3, 5}), " here and ");
}

BOOST_AUTO_TEST_SUITE_END()
