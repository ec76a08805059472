#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(total_correlation)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("total_correlation"); }

BOOST_AUTO_TEST_CASE(gradients) {
  auto tester = node("total_correlation");
  for (const char* port : {"z", "mu", "logvar"}) tester.random_input(port, {6, 3});
  expect_ok(tester.option("dataset_size", 1000).check());
}

// One dimension has no correlation: the three parts are ln q(z|x) - ln p(z) in any case.
BOOST_AUTO_TEST_CASE(the_parts_add_up) {
  for (const std::int64_t width : {1, 4}) {
    auto tester = node("total_correlation");
    auto kl = node("gaussian_kl");
    for (const char* port : {"z", "mu", "logvar"}) {
      tester.random_input(port, {8, width});
      kl.random_input(port, {8, width});
    }
    const NodeResult parts = tester.option("dataset_size", 500).run(), whole = kl.run();
    for (std::size_t n = 0; n < 8; ++n) {
      const float sum = parts.outputs.at("loss").values()[n] + parts.outputs.at("mutual_information").values()[n] +
                        parts.outputs.at("dimension_wise_kl").values()[n];
      BOOST_TEST(std::abs(sum - whole.outputs.at("log_ratio").values()[n]) < 1e-3F);
      if (width == 1) BOOST_TEST(std::abs(parts.outputs.at("loss").values()[n]) < 1e-4F);
    }
  }
}

BOOST_AUTO_TEST_CASE(wants_vectors_and_a_size) {
  auto tester = node("total_correlation");
  for (const char* port : {"z", "mu", "logvar"}) tester.random_input(port, {6, 3});
  expect_error(tester, "dataset_size");
}

BOOST_AUTO_TEST_SUITE_END()
