#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(monte_carlo_kl)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("monte_carlo_kl"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  auto tester = node("monte_carlo_kl");
  expect_ok(tester.random_input("posterior_log_density", {5}).random_input("prior_log_density", {5}).check());
}

BOOST_AUTO_TEST_CASE(wants_one_value_a_sample) {
  auto tester = node("monte_carlo_kl");
  expect_error(tester.random_input("posterior_log_density", {5, 2}).random_input("prior_log_density", {5}),
               "wrong number of axes");
}

BOOST_AUTO_TEST_SUITE_END()
