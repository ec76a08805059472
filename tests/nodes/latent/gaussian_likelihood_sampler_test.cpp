// Draws of a Gaussian likelihood: their moments with every form of sigma, and gaussian_nll as their density.
#include "nodes/node_checks.h"

using namespace loom;
using namespace loom::check;

namespace {

constexpr std::int64_t kDraws = 40000;

NodeTester sampler(float mean, std::int64_t width = 1) {
  auto tester = node("gaussian_likelihood_sampler");
  Tensor means(DType::f32, {kDraws / width, width});
  for (float& value : means.values()) value = mean;
  tester.input("mean", std::move(means)).evaluation();
  return tester;
}

// Of column `d` of all draws.
void expect_moments(NodeTester& tester, double mean, double sigma, std::int64_t d = 0) {
  const NodeResult result = tester.run();
  const Tensor& y = result.outputs.at("y");
  double sum = 0, squares = 0;
  const std::int64_t rows = y.shape()[0];
  for (std::int64_t n = 0; n < rows; ++n) {
    const auto value = static_cast<double>(y.view()[n][static_cast<std::size_t>(d)]);
    sum += value;
    squares += (value - mean) * (value - mean);
  }
  const auto count = static_cast<double>(rows);
  BOOST_TEST(std::abs(sum / count - mean) < 5 * sigma / std::sqrt(count));
  BOOST_TEST(std::abs(squares / count / (sigma * sigma) - 1) < 5 * std::sqrt(2 / count));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(gaussian_likelihood_sampler)

BOOST_AUTO_TEST_CASE(a_number) {
  auto tester = sampler(-2);
  expect_moments(tester.option("sigma", 0.25), -2, 0.25);
}

BOOST_AUTO_TEST_CASE(a_learned_sigma) {
  auto tester = sampler(1);
  Tensor log_sigma(DType::f32, {1});
  log_sigma.values()[0] = std::log(3.0F);
  expect_moments(tester.option("sigma", "learned").parameter("log_sigma", std::move(log_sigma)), 1, 3);
}

BOOST_AUTO_TEST_CASE(one_of_each_dimension) {
  Tensor log_sigma(DType::f32, {2});
  log_sigma.values()[0] = std::log(0.5F);
  log_sigma.values()[1] = std::log(2.0F);
  for (const std::int64_t d : {0, 1}) {
    auto tester = sampler(0, 2);
    expect_moments(tester.option("sigma", "per_dimension").parameter("log_sigma", log_sigma.clone()), 0,
                   d == 0 ? 0.5 : 2, d);
  }
}

BOOST_AUTO_TEST_CASE(the_moving_average_of_an_optimal_sigma_in_both_modes) {
  auto tester = sampler(0);
  Tensor variance(DType::f32, {1});
  variance.values()[0] = 0.49F;
  expect_moments(tester.option("sigma", "optimal").state("variance", variance.clone()), 0, 0.7);
  auto training = node("gaussian_likelihood_sampler");
  training.option("sigma", "optimal").input("mean", Tensor(DType::f32, {kDraws, 1}));
  expect_moments(training.state("variance", std::move(variance)), 0, 0.7);
}

BOOST_AUTO_TEST_CASE(a_variance_of_each_value) {
  auto tester = sampler(4);
  Tensor logvar(DType::f32, {kDraws, 1});
  for (float& value : logvar.values()) value = 2 * std::log(1.5F);
  expect_moments(tester.input("logvar", std::move(logvar)), 4, 1.5);
  auto both = node("gaussian_likelihood_sampler");
  both.random_input("mean", {2, 3}).random_input("logvar", {2, 3}).option("sigma", "learned");
  expect_error(both, "exclude each other");
}

BOOST_AUTO_TEST_CASE(repeatable_and_the_same_in_shards) {
  for (const char* sigma : {"learned", "per_dimension"}) {
    auto tester = node("gaussian_likelihood_sampler");
    tester.random_input("mean", {5, 7}).option("sigma", sigma);
    expect_ok(tester.check_repeatable());
    expect_ok(tester.check_shards());
  }
}

BOOST_AUTO_TEST_SUITE_END()
