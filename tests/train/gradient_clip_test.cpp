// Gradient norms, clipping, and the moving average of weights.
#include "train/gradient_clip.h"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <limits>
#include <vector>

#include "loom/math.h"
#include "loom/random.h"
#include "run/gradient_sums.h"
#include "support/toy_nodes.h"
#include "train/moving_average.h"

using namespace loom;
using namespace loom::check;

BOOST_AUTO_TEST_SUITE(gradient_clip)

BOOST_AUTO_TEST_CASE(the_norm_is_global) {
  Executor executor(2);
  GradientNorm norm;
  std::vector<float> a = {3, 0}, b = {4};
  const std::vector<std::span<float>> gradients = {a, b};
  BOOST_TEST(norm(gradients, executor) == 5.0);
  b[0] = std::numeric_limits<float>::quiet_NaN();
  BOOST_TEST(!std::isfinite(norm(gradients, executor)));
  b[0] = -std::numeric_limits<float>::infinity();
  BOOST_TEST(!std::isfinite(norm(gradients, executor)));
  BOOST_TEST(norm({}, executor) == 0.0);
}

BOOST_AUTO_TEST_CASE(sums_of_squares_give_the_same_bits) {
  std::vector<float> a(50'001), b(kSquares);
  RandomStream(1, 2, 1).normal(0, a);
  RandomStream(1, 2, 2).normal(0, b);
  std::vector<std::vector<double>> squares;
  for (const std::vector<float>& gradient : {a, b}) {
    std::vector<double>& sums = squares.emplace_back();
    const auto count = static_cast<std::int64_t>(gradient.size());
    for (std::int64_t first = 0; first < count; first += kSquares)
      sums.push_back(math::sum_of_squares(gradient.data() + first, std::min(kSquares, count - first)));
  }
  const std::vector<std::span<float>> gradients = {a, b};
  const std::vector<std::span<const double>> parts(squares.begin(), squares.end());
  Executor executor(2);
  GradientNorm norm;
  BOOST_TEST(GradientNorm::from(parts) == norm(gradients, executor));
}

BOOST_AUTO_TEST_CASE(threads_change_no_bit_of_the_norm) {
  std::vector<float> a(100'003), b(777);
  RandomStream(1, 1, 1).normal(0, a);
  RandomStream(1, 1, 2).normal(0, b);
  const std::vector<std::span<float>> gradients = {a, b};
  Executor one(1);
  GradientNorm norm;
  const double expected = norm(gradients, one);
  double plain = 0;
  for (const auto& list : gradients) {
    for (const float value : list) plain += static_cast<double>(value) * value;
  }
  BOOST_TEST(expected == std::sqrt(plain), boost::test_tools::tolerance(1e-6));
  for (const int threads : {2, 3, 4}) {
    Executor many(threads);
    for (int repeat = 0; repeat < 5; ++repeat) BOOST_TEST(norm(gradients, many) == expected);
  }
}

BOOST_AUTO_TEST_CASE(the_factor_is_pytorchs) {
  BOOST_TEST(clip_factor(10, 0) == 1.0);
  BOOST_TEST(clip_factor(10, 20) == 1.0);
  BOOST_TEST(clip_factor(10, 5) == 5 / (10 + 1e-6));
  BOOST_TEST(clip_factor(0, 5) == 1.0);
}

BOOST_AUTO_TEST_CASE(moving_average_follows_its_formula_and_swaps) {
  const auto graph = toy_graph({entry("x", "input", {}, {{"shape", list({1})}}), entry("a", "scale", {"x"})});
  ParameterStore store(*graph, 1);
  Executor executor(2);
  float& weight = store.at(0).value.values()[0];
  weight = 1;
  MovingAverage average(store, {0}, 0.9, executor);
  double expected = 1;
  for (int t = 0; t < 200; ++t) {
    weight = static_cast<float>(t);
    average.update();
    const double decay = std::min(0.9, (1.0 + t) / (10.0 + t));
    expected += (1 - decay) * (t - expected);
  }
  BOOST_TEST(average.value(0).values()[0] == static_cast<float>(expected), boost::test_tools::tolerance(1e-4F));
  const float mean = average.value(0).values()[0];
  const std::uint64_t version = store.version();
  {
    const AveragedWeights swapped(&average);
    BOOST_TEST(weight == mean);
    BOOST_TEST(store.version() != version);
  }
  BOOST_TEST(weight == 199.0F);
  BOOST_TEST(average.value(0).values()[0] == mean);
  const AveragedWeights nothing(nullptr);
}

BOOST_AUTO_TEST_SUITE_END()
