#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(gaussian_kl_between)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("gaussian_kl_between"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  auto tester = node("gaussian_kl_between");
  for (const char* port : {"mu", "logvar", "prior_mu", "prior_logvar", "z"}) tester.random_input(port, {3, 2, 5});
  expect_ok(tester.check());
}

BOOST_AUTO_TEST_CASE(is_zero_between_equals) {
  auto tester = node("gaussian_kl_between");
  for (const char* port : {"mu", "prior_mu"}) tester.input(port, random_tensor({4, 300}, 1));
  for (const char* port : {"logvar", "prior_logvar"}) tester.input(port, random_tensor({4, 300}, 2));
  const NodeResult result = tester.run();
  for (float value : result.outputs.at("loss").values()) BOOST_TEST(std::abs(value) < 1e-3F);
}

BOOST_AUTO_TEST_CASE(shapes_must_agree) {
  auto tester = node("gaussian_kl_between");
  for (const char* port : {"mu", "logvar", "prior_mu"}) tester.random_input(port, {3, 5});
  expect_error(tester.random_input("prior_logvar", {3, 4}), "prior_logvar");
}

BOOST_AUTO_TEST_SUITE_END()
