#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(gaussian_sampler)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("gaussian_sampler"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  auto given = node("gaussian_sampler");
  expect_ok(given.random_input("mu", {3, 5}).random_input("logvar", {3, 5}).random_input("noise", {3, 5}).check());
  auto drawn = node("gaussian_sampler");
  expect_ok(drawn.random_input("mu", {3, 5}).random_input("logvar", {3, 5}).check());
}

BOOST_AUTO_TEST_CASE(draws_have_the_mean_and_the_variance) {
  auto tester = node("gaussian_sampler");
  tester.input("mu", random_tensor({100, 200}, 1, 0, 3)).input("logvar", random_tensor({100, 200}, 1, 0, 1));
  double sum = 0, squares = 0;
  const NodeResult result = tester.evaluation().run();
  for (float z : result.outputs.at("z").values()) {
    sum += static_cast<double>(z);
    squares += (static_cast<double>(z) - 3) * (static_cast<double>(z) - 3);
  }
  BOOST_TEST(std::abs(sum / 20000 - 3) < 0.05);
  BOOST_TEST(std::abs(squares / 20000 - std::exp(1.0)) < 0.1);
}

BOOST_AUTO_TEST_CASE(another_seed_gives_other_draws) {
  auto tester = node("gaussian_sampler");
  tester.random_input("mu", {1, 2}).random_input("logvar", {1, 2});
  const float first = tester.run().outputs.at("z").values()[0];
  BOOST_TEST(first != tester.seed(2).run().outputs.at("z").values()[0]);
}

BOOST_AUTO_TEST_CASE(reports_other_shapes) {
  auto tester = node("gaussian_sampler");
  expect_error(tester.random_input("mu", {3, 5}).random_input("logvar", {3, 4}), " here and ");
  auto missing = node("gaussian_sampler");
  expect_error(missing.random_input("mu", {3, 5}), "'logvar' is not connected");
}

BOOST_AUTO_TEST_SUITE_END()
