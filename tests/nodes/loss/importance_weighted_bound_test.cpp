#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(importance_weighted_bound)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("importance_weighted_bound"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  auto tester = node("importance_weighted_bound");
  tester.option("samples", 4).samples(3).random_input("nll", {12}).random_input("log_ratio", {12});
  expect_ok(tester.check());
}

// One draw is the ELBO of that draw; the bound does not fall below it as draws are added.
BOOST_AUTO_TEST_CASE(one_draw_is_the_elbo_and_more_are_tighter) {
  const std::int64_t draws = 4096;
  const loom::Tensor nll = random_tensor({draws}, 1, 2), ratio = random_tensor({draws}, 2, 2);
  double before = 1e9;
  for (const int samples : {1, 2, 4, 16, 64, 256}) {
    auto tester = node("importance_weighted_bound");
    tester.option("samples", samples)
        .samples(draws / samples)
        .input("nll", nll.clone())
        .input("log_ratio", ratio.clone());
    const NodeResult result = tester.run();
    double mean = 0;
    for (std::size_t n = 0; n < static_cast<std::size_t>(draws / samples); ++n) {
      const float loss = result.outputs.at("loss").values()[n];
      if (samples == 1) BOOST_REQUIRE(std::abs(loss - nll.values()[n] - ratio.values()[n]) < 1e-5F);
      mean += static_cast<double>(loss) * samples / draws;
    }
    BOOST_TEST(mean <= before);  // by Jensen's inequality, exactly, since the groups are nested
    before = mean;
  }
}

BOOST_AUTO_TEST_CASE(rows_must_be_draws_of_samples) {
  auto tester = node("importance_weighted_bound");
  tester.option("samples", 5).samples(3).random_input("nll", {12}).random_input("log_ratio", {12});
  expect_error(tester, "repeat with times: 5");
}

BOOST_AUTO_TEST_SUITE_END()
