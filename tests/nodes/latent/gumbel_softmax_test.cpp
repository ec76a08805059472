// The nodes of the categorical VAE: draws compared with their probabilities, the divergence with PyTorch.
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "nodes/node_checks.h"

using namespace loom;
using namespace loom::check;

namespace {

NodeTester sampler() { return {standard_registry(), "gumbel_softmax_sampler"}; }

constexpr std::int64_t kDraws = 100000;
const std::vector<float> kLogits = {0.5F, -1.0F, 2.0F, 0.0F};

NodeTester many_draws() {
  auto tester = sampler();
  Tensor logits(DType::f32, {kDraws, 4});
  for (std::int64_t n = 0; n < kDraws; ++n) std::ranges::copy(kLogits, logits.view()[n].begin());
  tester.input("logits", std::move(logits));
  return tester;
}

bool is_one_hot(std::span<const float> row) {
  return std::ranges::count(row, 1.0F) == 1 &&
         std::ranges::count(row, 0.0F) == static_cast<std::ptrdiff_t>(row.size()) - 1;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(gumbel_softmax)

BOOST_AUTO_TEST_CASE(divergence_equals_pytorch) {
  expect_ok(check_golden(standard_registry(), "categorical_kl", LOOM_SOURCE_DIR "/tests/golden/categorical_kl.npz"));
}

BOOST_AUTO_TEST_CASE(keeps_the_rules) {
  for (const Shape& shape : {Shape{5, 3, 4}, Shape{4, 6}, Shape{3, 2, 2, 5}}) {
    expect_ok(sampler().random_input("logits", shape).option("temperature", 0.8).check());
    NodeTester divergence(standard_registry(), "categorical_kl");
    expect_ok(divergence.random_input("logits", shape).check());
    expect_ok(divergence.random_input("z", shape).check());
  }
  NodeTester prior(standard_registry(), "one_hot_prior");
  prior.option("shape", std::vector<OptionValue>{3, 5}).samples(7);
  expect_ok(prior.check_repeatable());
  expect_ok(prior.check_shards());
}

// Gumbel-max: the largest entry, which is the result in evaluation, is class k with probability softmax(logits)_k.
BOOST_AUTO_TEST_CASE(draws_have_the_probabilities) {
  std::vector<float> expected(4);
  math::softmax(kLogits.data(), expected.data(), 4);
  for (const bool training : {true, false}) {
    auto tester = many_draws();
    if (!training) tester.evaluation();
    const NodeResult result = tester.run();
    const Tensor& z = result.outputs.at("z");
    std::vector<double> shares(4);
    double worst = 0;
    for (std::int64_t n = 0; n < kDraws; ++n) {
      const auto row = z.view()[n];
      shares[static_cast<std::size_t>(std::ranges::max_element(row) - row.begin())] += 1.0 / kDraws;
      worst = std::max(worst, std::abs(math::sum(row.data(), 4) - 1));
      if (!training) BOOST_REQUIRE(is_one_hot(row));
    }
    BOOST_TEST(worst < 1e-5);
    for (std::size_t k = 0; k < 4; ++k) BOOST_TEST(std::abs(shares[k] - expected[k]) < 0.006);
  }
}

// One-hot in forward; backward is that of the soft draw.
BOOST_AUTO_TEST_CASE(straight_through) {
  auto tester = sampler();
  tester.random_input("logits", {6, 3, 5});
  const NodeResult soft = tester.run_random(), hard = tester.option("straight_through", true).run_random();
  const Tensor &a = soft.outputs.at("z"), &b = hard.outputs.at("z");
  for (std::size_t at = 0; at < a.values().size(); at += 5) {
    const auto row = a.values().subspan(at, 5), one = b.values().subspan(at, 5);
    BOOST_TEST(is_one_hot(one));
    BOOST_TEST((std::ranges::max_element(row) - row.begin()) == (std::ranges::max_element(one) - one.begin()));
  }
  BOOST_TEST(std::ranges::equal(soft.diff_inputs.at("logits").values(), hard.diff_inputs.at("logits").values()));
}

BOOST_AUTO_TEST_CASE(a_low_temperature_is_nearly_one_hot) {
  const auto mean_of_largest = [](double temperature) {
    auto tester = many_draws();
    const NodeResult result = tester.option("temperature", temperature).option("least_temperature", 0.01).run();
    double sum = 0;
    for (std::int64_t n = 0; n < kDraws; ++n)
      sum += static_cast<double>(std::ranges::max(result.outputs.at("z").view()[n]));
    return sum / kDraws;
  };
  BOOST_TEST(mean_of_largest(0.02) > 0.98);
  BOOST_TEST(mean_of_largest(20) < 0.35);
}

BOOST_AUTO_TEST_CASE(prior_is_uniform) {
  NodeTester prior(standard_registry(), "one_hot_prior");
  prior.option("shape", std::vector<OptionValue>{3, 5}).samples(20000);
  const NodeResult result = prior.run();
  std::vector<double> shares(5);
  const auto y = result.outputs.at("y").values();
  for (std::size_t at = 0; at < y.size(); at += 5) {
    BOOST_REQUIRE(is_one_hot(y.subspan(at, 5)));
    for (std::size_t k = 0; k < 5; ++k) shares[k] += static_cast<double>(y[at + k]) / 60000;
  }
  for (const double share : shares) BOOST_TEST(std::abs(share - 0.2) < 0.01);
  BOOST_TEST(std::abs(static_cast<double>(result.outputs.at("log_density").values()[3]) + 3 * std::log(5)) < 1e-5);
}

BOOST_AUTO_TEST_CASE(refuses) {
  auto cold = sampler();
  BOOST_TEST(cold.option("temperature", 0.0).random_input("logits", {2, 3}).error().find("temperature") !=
             std::string::npos);
  NodeTester shapeless(standard_registry(), "one_hot_prior");
  BOOST_TEST(shapeless.samples(2).error().find("shape") != std::string::npos);
  NodeTester misfit(standard_registry(), "categorical_kl");
  misfit.random_input("logits", {2, 3, 4}).random_input("z", {2, 3, 5});
  BOOST_TEST(misfit.error().find("[N, 3, 5]") != std::string::npos, misfit.error());
  auto diverged = sampler();
  diverged.input("logits", tensor_of({1, 2}, std::vector{0.0F, NAN})).option("straight_through", true);
  BOOST_TEST(std::isnan(diverged.run().outputs.at("z").values()[0]));
}

BOOST_AUTO_TEST_SUITE_END()
