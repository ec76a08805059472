#include "nodes/node_checks.h"

using namespace loom::check;

namespace {

double mean_mmd(const char* kernel, double shift) {
  auto tester = node("mmd");
  tester.option("kernel", kernel)
      .input("x", random_tensor({400, 4}, 1, 1, shift))
      .input("y", random_tensor({400, 4}, 2));
  const NodeResult result = tester.run();
  double sum = 0;
  for (float value : result.outputs.at("loss").values()) sum += static_cast<double>(value) / 400;
  return sum;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mmd)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("mmd"); }

BOOST_AUTO_TEST_CASE(gradients) {
  for (const char* kernel : {"imq", "rbf"}) {
    auto tester = node("mmd");
    expect_ok(tester.option("kernel", kernel).random_input("x", {5, 3}).random_input("y", {5, 3}).check());
  }
}

BOOST_AUTO_TEST_CASE(is_near_zero_for_equal_distributions_and_grows_with_their_distance) {
  for (const char* kernel : {"imq", "rbf"}) {
    BOOST_TEST(std::abs(mean_mmd(kernel, 0)) < 0.05);
    BOOST_TEST(mean_mmd(kernel, 0.5) > 0.1);
    BOOST_TEST(mean_mmd(kernel, 2) > mean_mmd(kernel, 1));
  }
}

BOOST_AUTO_TEST_CASE(one_sample_is_too_few) {
  auto tester = node("mmd");
  tester.random_input("x", {1, 3}).random_input("y", {1, 3});
  BOOST_CHECK_EXCEPTION(tester.run(), loom::Error, [](const loom::Error& error) {
    return std::string(error.what()).find("at least two samples") != std::string::npos;
  });
}

BOOST_AUTO_TEST_SUITE_END()
