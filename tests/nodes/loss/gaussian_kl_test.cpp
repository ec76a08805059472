#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(gaussian_kl)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("gaussian_kl"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  auto tester = node("gaussian_kl");
  expect_ok(
      tester.random_input("mu", {3, 2, 5}).random_input("logvar", {3, 2, 5}).random_input("z", {3, 2, 5}).check());
}

BOOST_AUTO_TEST_CASE(is_zero_at_the_prior) {
  auto tester = node("gaussian_kl");
  tester.random_input("mu", {2, 3}, 0).random_input("logvar", {2, 3}, 0).random_input("z", {2, 3});
  const NodeResult result = tester.run();
  for (const char* port : {"loss", "log_ratio"}) {
    for (float value : result.outputs.at(port).values()) BOOST_TEST(std::abs(value) < 1e-6F);
  }
}

// The expectation of log_ratio over draws from the posterior is the divergence.
BOOST_AUTO_TEST_CASE(log_ratio_averages_to_the_divergence) {
  const std::int64_t samples = 20000;
  auto sampler = node("gaussian_sampler");
  auto kl = node("gaussian_kl");
  for (NodeTester* tester : {&sampler, &kl}) {
    tester->input("mu", random_tensor({samples, 1}, 1, 0, 0.7))
        .input("logvar", random_tensor({samples, 1}, 1, 0, -1.2));
  }
  const NodeResult drawn = sampler.run();
  const NodeResult result = kl.input("z", drawn.outputs.at("z").clone()).run();
  double sum = 0;
  for (float value : result.outputs.at("log_ratio").values()) sum += static_cast<double>(value);
  BOOST_TEST(std::abs(sum / static_cast<double>(samples) - static_cast<double>(result.outputs.at("loss").values()[0])) <
             0.03);
}

BOOST_AUTO_TEST_CASE(log_ratio_is_zero_without_a_draw) {
  auto tester = node("gaussian_kl");
  BOOST_TEST(
      tester.random_input("mu", {1, 3}).random_input("logvar", {1, 3}).run().outputs.at("log_ratio").values()[0] == 0);
}

// With free bits or a capacity the loss is that of the batch; kl stays the divergence.
BOOST_AUTO_TEST_CASE(free_bits_and_capacity) {
  auto bits = node("gaussian_kl");
  bits.option("free_bits", 0.6).random_input("mu", {5, 4}).random_input("logvar", {5, 4}, 0.4);
  expect_ok(bits.check());
  auto groups = node("gaussian_kl");
  groups.option("free_bits", 1.0)
      .option("free_bits_groups", 2)
      .random_input("mu", {5, 4})
      .random_input("logvar", {5, 4});
  expect_ok(groups.check());
  auto capacity = node("gaussian_kl");
  capacity.option("capacity", 20.0).random_input("mu", {5, 4}).random_input("logvar", {5, 4});
  expect_ok(capacity.check());
}

// The tester's calls are of step 7.
BOOST_AUTO_TEST_CASE(the_capacity_rises_over_its_steps) {
  auto tester = node("gaussian_kl");
  tester.option("capacity", 20.0)
      .option("capacity_steps", 70)
      .random_input("mu", {2, 3}, 0)
      .random_input("logvar", {2, 3}, 0);
  BOOST_TEST(std::abs(tester.run().outputs.at("loss").values()[0] - 2) < 1e-5F);
  tester.evaluation();
  BOOST_TEST(tester.run().outputs.at("loss").values()[0] == 20);
}

BOOST_AUTO_TEST_CASE(options_that_do_not_fit) {
  auto both = node("gaussian_kl");
  expect_error(
      both.option("free_bits", 1.0).option("capacity", 1.0).random_input("mu", {2, 3}).random_input("logvar", {2, 3}),
      "exclude each other");
  auto groups = node("gaussian_kl");
  expect_error(groups.option("free_bits", 1.0)
                   .option("free_bits_groups", 2)
                   .random_input("mu", {2, 3})
                   .random_input("logvar", {2, 3}),
               "divisor of 3");
}

BOOST_AUTO_TEST_SUITE_END()
