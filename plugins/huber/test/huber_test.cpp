// huber_nll compared with PyTorch, with the Gaussian in its limit, and as a density.
#define BOOST_TEST_MODULE huber
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>

#include <loom/check.h>

using namespace loom;
using namespace loom::check;

namespace {

const Registry& registry() {
  static const auto loaded = [] {
    auto types = std::make_unique<Registry>();
    load_plugin(*types, PLUGIN_FILE);
    return types;
  }();
  return *loaded;
}
NodeTester huber() { return {registry(), "huber_nll"}; }
void expect_ok(const Report& report) { BOOST_TEST(report.ok(), report.text()); }

double loss_at(double delta, double sigma, float target) {
  auto tester = huber();
  tester.option("delta", delta).option("sigma", sigma);
  tester.input("mean", tensor_of({1, 1}, std::vector{0.5F})).input("target", tensor_of({1, 1}, std::vector{target}));
  return static_cast<double>(tester.run().outputs.at("loss").values()[0]);
}

}  // namespace

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_ok(check_golden(registry(), "huber_nll", TEST_FOLDER "/huber_nll.npz")); }

BOOST_AUTO_TEST_CASE(keeps_the_rules) {
  for (const OptionValue& sigma : {OptionValue(0.4), OptionValue("learned")})
    expect_ok(huber().option("sigma", sigma).random_input("mean", {5, 3, 2}).random_input("target", {5, 3, 2}).check());
}

// The integral of e^-loss over the targets is 1, in the middle and in the tails.
BOOST_AUTO_TEST_CASE(is_a_density) {
  for (const auto& [delta, sigma] : {std::pair{0.3, 0.5}, {1.345, 2.0}, {4.0, 1.0}}) {
    const double reach = sigma * (delta + 30 / delta), step = reach / 4000;
    double integral = 0;
    for (int i = -4000; i < 4000; ++i)
      integral += step * std::exp(-loss_at(delta, sigma, static_cast<float>(0.5 + (i + 0.5) * step)));
    BOOST_TEST(integral == 1, boost::test_tools::tolerance(1e-3));
  }
}

BOOST_AUTO_TEST_CASE(is_gaussian_for_a_large_delta) {
  const double r = (3 - 0.5) / 2;
  BOOST_TEST(loss_at(50, 2, 3) == 0.5 * r * r + std::log(2 * std::sqrt(2 * std::numbers::pi)),
             boost::test_tools::tolerance(1e-6));
}

BOOST_AUTO_TEST_CASE(refuses) {
  const auto error = [](const char* option, const OptionValue& value, const Shape& target) {
    return huber().option(option, value).random_input("mean", {2, 3}).random_input("target", target).error();
  };
  BOOST_TEST(error("delta", 0.0, {2, 3}).find("delta") != std::string::npos);
  BOOST_TEST(error("sigma", "wide", {2, 3}).find("learned") != std::string::npos);
  BOOST_TEST(error("sigma", 1.0, {2, 4}).find("[N, 4]") != std::string::npos);
}
