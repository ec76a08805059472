#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(gaussian_parameters)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("gaussian_parameters"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  auto tester = node("gaussian_parameters");
  expect_ok(tester.option("dim", 4).random_input("x", {3, 2, 6}).check());
  auto limited = node("gaussian_parameters");
  expect_ok(limited.option("dim", 4)
                .option("min_logvar", -0.5)
                .option("max_logvar", 0.5)
                .random_input("x", {5, 6}, 2)
                .check());
}

BOOST_AUTO_TEST_CASE(keeps_logvar_inside_of_its_limits) {
  auto tester = node("gaussian_parameters");
  const NodeResult result = tester.option("dim", 8).option("max_logvar", 0.25).random_input("x", {20, 6}, 3).run();
  float most = -1;
  for (float value : result.outputs.at("logvar").values()) most = std::max(most, value);
  BOOST_TEST(most == 0.25F);
}

BOOST_AUTO_TEST_SUITE_END()
