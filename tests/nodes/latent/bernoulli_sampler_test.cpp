#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(bernoulli_sampler)

BOOST_AUTO_TEST_CASE(draws_ones_with_their_probability) {
  auto tester = node("bernoulli_sampler");
  const NodeResult result = tester.input("logits", random_tensor({20000, 2}, 1, 0, std::log(0.3 / 0.7))).run();
  double sum = 0;
  for (float value : result.outputs.at("y").values()) {
    BOOST_REQUIRE((value == 0 || value == 1));
    sum += static_cast<double>(value);
  }
  BOOST_TEST(std::abs(sum / 40000 - 0.3) < 0.01);
}

BOOST_AUTO_TEST_CASE(repeatable_and_the_same_in_shards) {
  auto tester = node("bernoulli_sampler");
  tester.random_input("logits", {5, 7});
  expect_ok(tester.check_repeatable());
  expect_ok(tester.check_shards());
}

BOOST_AUTO_TEST_SUITE_END()
