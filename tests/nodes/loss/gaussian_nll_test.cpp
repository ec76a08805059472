#include "nodes/node_checks.h"

using namespace loom;
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

BOOST_AUTO_TEST_CASE(gradients_of_the_input_logvar) {
  auto tester = node("gaussian_nll");
  for (const char* port : {"mean", "target", "logvar"}) tester.random_input(port, {3, 4, 5});
  expect_ok(tester.check());
  auto masked = node("gaussian_nll");
  for (const char* port : {"mean", "target", "logvar"}) masked.random_input(port, {2, 3});
  expect_ok(masked.input("mask", tensor_of({2, 3}, std::vector<float>{1, 0, 1, 1, 1, 0}))
                .input("weight", tensor_of({2, 3}, std::vector<float>{0.5F, 3, 1, 2, 0, 1}))
                .check_gradients());
}

// loss = sum of 1/2 ((t - m)^2 / s^2 + ln s^2 + ln 2 pi), written out.
BOOST_AUTO_TEST_CASE(the_input_logvar_is_the_variance_of_each_value) {
  const Tensor mean = random_tensor({3, 7}, 1), target = random_tensor({3, 7}, 2), logvar = random_tensor({3, 7}, 3);
  auto tester = node("gaussian_nll");
  const NodeResult result =
      tester.input("mean", mean.clone()).input("target", target.clone()).input("logvar", logvar.clone()).run();
  for (std::int64_t n = 0; n < 3; ++n) {
    double loss = 0;
    for (std::size_t i = 0; i < 7; ++i) {
      const double l = static_cast<double>(logvar.view()[n][i]);
      const double d = static_cast<double>(target.view()[n][i]) - static_cast<double>(mean.view()[n][i]);
      loss += 0.5 * (d * d * std::exp(-l) + l + 1.8378770664093453);
      BOOST_TEST(std::abs(static_cast<double>(result.outputs.at("sigma").view()[n][i]) - std::exp(l / 2)) < 1e-5);
    }
    BOOST_TEST(std::abs(loss - static_cast<double>(result.outputs.at("loss").view()[n][0])) < 1e-4);
  }
}

BOOST_AUTO_TEST_CASE(a_value_that_does_not_count_may_have_any_logvar) {
  auto tester = node("gaussian_nll");
  Tensor logvar = random_tensor({2, 3}, 3);
  logvar.values()[1] = std::nanf("");
  tester.random_input("mean", {2, 3}).random_input("target", {2, 3}).input("logvar", std::move(logvar));
  const NodeResult result = tester.input("mask", tensor_of({2, 3}, std::vector<float>{1, 0, 1, 1, 1, 1})).run_random();
  for (const char* port : {"mean", "target"})
    for (const float value : result.diff_inputs.at(port).values()) BOOST_TEST(std::isfinite(value));
  for (const float value : result.outputs.at("loss").values()) BOOST_TEST(std::isfinite(value));
}

BOOST_AUTO_TEST_CASE(gradients_of_the_optimal_sigma) {
  for (const bool masked : {false, true}) {
    auto tester = node("gaussian_nll");
    tester.option("sigma", "optimal").random_input("mean", {4, 2, 3}).random_input("target", {4, 2, 3});
    if (masked)
      tester.input("mask", tensor_of({4, 2}, std::vector<float>{1, 0, 1, 1, 0, 0, 1, 1}))
          .random_input("weight", {4}, 0.3, 1);
    expect_ok(tester.check());
  }
}

// sigma^2 is the mean squared error of the batch: the loss of each sample is of that sigma, and its mean over the batch is
// ln sigma + 1/2 + 1/2 ln 2 pi of each value. The average takes a tenth of it; evaluation uses the average.
BOOST_AUTO_TEST_CASE(the_optimal_sigma_is_the_deviation_of_the_batch) {
  for (const double spread : {0.1, 1.0, 30.0}) {
    const Tensor mean = random_tensor({6, 5}, 1, spread), target = random_tensor({6, 5}, 2, spread);
    double square = 0;
    for (std::size_t i = 0; i < 30; ++i)
      square += std::pow(static_cast<double>(target.values()[i]) - static_cast<double>(mean.values()[i]), 2);
    const auto tester = [&] {
      auto one = node("gaussian_nll");
      one.option("sigma", "optimal").input("mean", mean.clone()).input("target", target.clone());
      return one;
    };
    const NodeResult result = tester().run();
    double loss = 0;
    for (const float value : result.outputs.at("loss").values()) loss += static_cast<double>(value) / 6;
    const double sigma = std::sqrt(square / 30);
    BOOST_TEST(std::abs(loss - 5 * (std::log(sigma) + 0.5 + 0.91893853320467274)) < 1e-4);
    BOOST_TEST(std::abs(static_cast<double>(result.outputs.at("sigma").values()[7]) / sigma - 1) < 1e-5);
    BOOST_TEST(std::abs(static_cast<double>(result.states.at("variance").values()[0]) / (0.9 + 0.1 * square / 30) - 1) <
               1e-5);
    auto evaluated = tester();
    const NodeResult alone = evaluated.evaluation().state("variance", tensor_of({1}, std::vector<float>{4})).run();
    BOOST_TEST(alone.outputs.at("sigma").values()[7] == 2);
    BOOST_TEST(alone.states.at("variance").values()[0] == 4);
    expect_ok(evaluated.check_shards());
  }
}

BOOST_AUTO_TEST_CASE(the_optimal_sigma_has_a_least_value) {
  auto tester = node("gaussian_nll");
  tester.option("sigma", "optimal").option("min_sigma", 0.25).input("mean", random_tensor({3, 4}, 1));
  const NodeResult result = tester.input("target", random_tensor({3, 4}, 1)).run_random();
  for (const float value : result.outputs.at("sigma").values()) BOOST_TEST(value == 0.25F);
  for (const float value : result.diff_inputs.at("mean").values()) BOOST_TEST(value == 0);
}

BOOST_AUTO_TEST_CASE(sigma_and_logvar_exclude_each_other) {
  auto tester = node("gaussian_nll");
  for (const char* port : {"mean", "target", "logvar"}) tester.random_input(port, {3, 4});
  expect_error(tester.option("sigma", "learned"), "exclude each other");
}

BOOST_AUTO_TEST_CASE(reports_other_shapes) {
  auto tester = node("gaussian_nll");
  expect_error(tester.random_input("mean", {3, 4}).random_input("target", {3, 5}), " here and ");
}

BOOST_AUTO_TEST_SUITE_END()
