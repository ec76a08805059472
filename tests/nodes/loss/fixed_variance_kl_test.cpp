#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(fixed_variance_kl)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("fixed_variance_kl"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  auto tester = node("fixed_variance_kl");
  expect_ok(tester.option("variance", 0.3).random_input("mu", {3, 2, 5}).random_input("z", {3, 2, 5}).check());
}

BOOST_AUTO_TEST_CASE(the_committed_rate_is_reached_at_zero) {
  auto tester = node("fixed_variance_kl");
  const NodeResult result = tester.option("variance", 0.3).random_input("mu", {1, 8}, 0).run();
  const auto rate = static_cast<double>(result.outputs.at("committed_rate").values()[0]);
  BOOST_TEST(std::abs(rate - 4 * (0.3 - 1 - std::log(0.3))) < 1e-5);
  BOOST_TEST(result.outputs.at("loss").values()[0] == result.outputs.at("committed_rate").values()[0]);
}

BOOST_AUTO_TEST_CASE(variance_is_positive) {
  auto tester = node("fixed_variance_kl");
  expect_error(tester.option("variance", 0.0).random_input("mu", {2, 3}), "variance");
}

BOOST_AUTO_TEST_SUITE_END()
