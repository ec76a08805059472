#include "nodes/node_checks.h"

using namespace loom;
using namespace loom::check;

BOOST_AUTO_TEST_SUITE(laplace_sampler)

// |y - mean| is exponential with the mean `scale`; both sides are alike.
BOOST_AUTO_TEST_CASE(draws_have_the_moments_of_the_density) {
  constexpr std::int64_t kDraws = 40000;
  auto tester = node("laplace_sampler");
  Tensor means(DType::f32, {kDraws, 1});
  for (float& value : means.values()) value = -3;
  const NodeResult result = tester.option("scale", 0.4).input("mean", std::move(means)).run();
  double distance = 0, squares = 0, above = 0;
  for (const float value : result.outputs.at("y").values()) {
    const double d = static_cast<double>(value) + 3;
    distance += std::abs(d);
    squares += d * d;
    above += d > 0 ? 1 : 0;
  }
  BOOST_TEST(std::abs(distance / kDraws - 0.4) < 5 * 0.4 / std::sqrt(kDraws));
  BOOST_TEST(std::abs(squares / kDraws - 2 * 0.16) < 5 * 0.16 * std::sqrt(20.0 / kDraws));
  BOOST_TEST(std::abs(above / kDraws - 0.5) < 2.5 / std::sqrt(kDraws));
}

BOOST_AUTO_TEST_CASE(repeatable_and_the_same_in_shards) {
  auto tester = node("laplace_sampler");
  tester.random_input("mean", {5, 7});
  expect_ok(tester.check_repeatable());
  expect_ok(tester.check_shards());
}

BOOST_AUTO_TEST_SUITE_END()
