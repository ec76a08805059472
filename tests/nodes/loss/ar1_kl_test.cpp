// The AR(1) divergence: golden values, gradients, and the committed rate that no posterior gets below.
#include "nodes/node_checks.h"

using namespace loom;
using namespace loom::check;

namespace {

double committed_rate(std::int64_t steps, double alpha) {
  auto tester = node("ar1_kl");
  tester.option("alpha", alpha).random_input("mu", {1, steps, 1}).random_input("logvar", {1, steps, 1});
  return static_cast<double>(tester.run().outputs.at("committed_rate").values()[0]);
}

// The least divergence, by gradient descent over mu and logvar, with the node's own gradient.
double minimized(std::int64_t steps, double alpha) {
  Tensor mu = random_tensor({1, steps, 1}, 3), logvar = random_tensor({1, steps, 1}, 4);
  Tensors above;
  above.emplace("loss", tensor_of({1}, std::vector<float>{1}));
  double loss = 0;
  for (int i = 0; i < 3000; ++i) {
    auto tester = node("ar1_kl");
    tester.option("alpha", alpha).input("mu", mu.clone()).input("logvar", logvar.clone());
    const NodeResult result = tester.run(above);
    loss = static_cast<double>(result.outputs.at("loss").values()[0]);
    const auto rate = static_cast<float>(0.4 * (1 - alpha * alpha));  // the curvature grows with 1 / (1 - alpha^2)
    for (std::size_t t = 0; t < static_cast<std::size_t>(steps); ++t) {
      mu.values()[t] -= rate * result.diff_inputs.at("mu").values()[t];
      logvar.values()[t] -= 0.5F * result.diff_inputs.at("logvar").values()[t];
    }
  }
  return loss;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ar1_kl)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("ar1_kl"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  for (const OptionValue& alpha : {OptionValue(0.7), OptionValue("learned")}) {
    auto tester = node("ar1_kl");
    tester.option("alpha", alpha);
    for (const char* port : {"mu", "logvar", "z"}) tester.random_input(port, {3, 6, 4});
    expect_ok(tester.check());
  }
}

BOOST_AUTO_TEST_CASE(the_committed_rate_is_the_minimum) {
  for (const std::int64_t steps : {1, 2, 16, 64}) {
    for (const double alpha : {0.3, 0.8, 0.95}) {
      const double rate = committed_rate(steps, alpha), found = minimized(steps, alpha);
      BOOST_TEST(found > rate - 1e-4 * (1 + rate),
                 steps << " steps, alpha " << alpha << ": " << found << " < " << rate);
      BOOST_TEST(found < rate + 2e-3 * (1 + rate),
                 steps << " steps, alpha " << alpha << ": " << found << " > " << rate);
    }
  }
  BOOST_TEST(committed_rate(1, 0.9) == 0);  // a single step has the prior N(0, 1)
}

BOOST_AUTO_TEST_CASE(no_posterior_is_below_the_committed_rate) {
  auto random = node("ar1_kl");
  random.option("alpha", 0.9).random_input("mu", {500, 16, 3}).random_input("logvar", {500, 16, 3}, 1, -1.5);
  const NodeResult result = random.run();
  for (std::size_t n = 0; n < 500; ++n)
    BOOST_REQUIRE(result.outputs.at("loss").values()[n] >= result.outputs.at("committed_rate").values()[n]);
}

// The expectation of log_ratio over draws from the posterior is the divergence.
BOOST_AUTO_TEST_CASE(log_ratio_averages_to_the_divergence) {
  for (const std::int64_t steps : {1, 2, 16, 64}) {
    const std::int64_t samples = 20000;
    auto sampler = node("gaussian_sampler");
    auto kl = node("ar1_kl");
    kl.option("alpha", 0.8);
    for (NodeTester* tester : {&sampler, &kl})
      tester->input("mu", random_tensor({samples, steps, 1}, 1, 0, 0.3))
          .input("logvar", random_tensor({samples, steps, 1}, 1, 0, -0.8));
    const NodeResult drawn = sampler.run();
    const NodeResult result = kl.input("z", drawn.outputs.at("z").clone()).run();
    double sum = 0, squares = 0;
    for (float value : result.outputs.at("log_ratio").values()) {
      sum += static_cast<double>(value);
      squares += static_cast<double>(value) * static_cast<double>(value);
    }
    const double mean = sum / samples, error = std::sqrt((squares / samples - mean * mean) / samples);
    BOOST_TEST(std::abs(mean - static_cast<double>(result.outputs.at("loss").values()[0])) < 5 * error + 1e-3);
  }
}

BOOST_AUTO_TEST_CASE(alpha_is_checked) {
  const auto error_of = [](const OptionValue& alpha) {
    auto tester = node("ar1_kl");
    return tester.option("alpha", alpha).random_input("mu", {2, 4, 3}).random_input("logvar", {2, 4, 3}).error();
  };
  BOOST_TEST(error_of(1.0).find("alpha") != std::string::npos);
  BOOST_TEST(error_of(0.0).find("alpha") != std::string::npos);
  BOOST_TEST(error_of(std::vector<OptionValue>{0.5, 1.5, 0.5}).find("alpha") != std::string::npos);
  BOOST_TEST(error_of(std::vector<OptionValue>{0.5, 0.5}).find("2 alphas") != std::string::npos);
  BOOST_TEST(error_of(std::vector<OptionValue>{0.5, 0.6, 0.7}).empty());
}

BOOST_AUTO_TEST_SUITE_END()
