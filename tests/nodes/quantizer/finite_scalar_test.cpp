// finite_scalar_quantizer compared with PyTorch; its levels, its inverse and its gradient.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <set>

#include "nodes/node_checks.h"

using namespace loom;
using namespace loom::check;

namespace {

NodeTester quantizer(const std::vector<int>& levels) {
  NodeTester tester(standard_registry(), "finite_scalar_quantizer");
  tester.option("levels", list(levels));
  return tester;
}
NodeTester values(const std::vector<int>& levels) {
  NodeTester tester(standard_registry(), "finite_scalar_values");
  tester.option("levels", list(levels));
  return tester;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(finite_scalar)

BOOST_AUTO_TEST_CASE(equals_pytorch) {
  expect_ok(check_golden(standard_registry(), "finite_scalar_quantizer",
                         LOOM_SOURCE_DIR "/tests/golden/finite_scalar_quantizer.npz"));
}

// Without rounding, the gradient agrees with differences; with rounding, it is the same gradient (straight through).
BOOST_AUTO_TEST_CASE(gradient_goes_straight_through) {
  auto tester = quantizer({8, 5, 3});
  tester.random_input("x", {4, 3, 5, 3}, 1.5).option("round", false);
  expect_ok(tester.check());
  const NodeResult bounded = tester.run_random();
  const NodeResult rounded = tester.option("round", true).run_random();
  const auto a = bounded.diff_inputs.at("x").values(), b = rounded.diff_inputs.at("x").values();
  BOOST_TEST(std::ranges::equal(a, b));
  const auto c = bounded.outputs.at("codes").values<std::int32_t>(),
             d = rounded.outputs.at("codes").values<std::int32_t>();
  BOOST_TEST(std::ranges::equal(c, d));
  expect_ok(tester.check_repeatable());
  expect_ok(tester.check_shards());
}

// Every code is reached, has a unique vector, and is recovered from it.
BOOST_AUTO_TEST_CASE(codes_and_vectors_are_one_to_one) {
  const std::vector<int> levels = {4, 3, 5};
  std::vector<std::int32_t> codes(60);
  for (std::size_t k = 0; k < codes.size(); ++k) codes[k] = static_cast<std::int32_t>(k);
  auto back = values(levels);
  const NodeResult vectors = back.input("codes", tensor_of({60}, codes)).run();
  const Tensor& y = vectors.outputs.at("y");
  std::set<std::vector<float>> distinct;
  Tensor x(DType::f32, {60, 3});
  for (std::int64_t k = 0; k < 60; ++k) {
    distinct.insert({y.view()[k].begin(), y.view()[k].end()});
    for (std::size_t d = 0; d < 3; ++d) {  // the x whose bounded value is the level
      const double half = (levels[d] - 1) * (1 - 1e-3) / 2, offset = levels[d] % 2 == 0 ? 0.5 : 0;
      const double level = static_cast<double>(y.view()[k][d]) * (levels[d] / 2);
      const double share = std::clamp((level + offset) / half, -0.999, 0.999);
      x.view()[k][d] = static_cast<float>(std::atanh(share) - std::atanh(offset / half));
    }
  }
  BOOST_TEST(distinct.size() == 60);
  auto there = quantizer(levels);
  const NodeResult result = there.input("x", std::move(x)).run();
  BOOST_TEST(std::ranges::equal(result.outputs.at("codes").values<std::int32_t>(), codes));
  BOOST_TEST(std::ranges::equal(result.outputs.at("quantized").values(), y.values()));
}

// Two levels are the signs.
BOOST_AUTO_TEST_CASE(two_levels_are_signs) {
  auto tester = quantizer({2, 3, 2});
  const NodeResult result =
      tester.input("x", tensor_of({2, 3}, std::vector{-0.1F, 0.0F, 5.0F, 0.2F, -9.0F, -7.0F})).run();
  const auto y = result.outputs.at("quantized").values();
  BOOST_TEST((std::vector<float>(y.begin(), y.end()) == std::vector<float>{-1, 0, 1, 1, -1, -1}));
  const auto codes = result.outputs.at("codes").values<std::int32_t>();
  BOOST_TEST((std::vector<std::int32_t>(codes.begin(), codes.end()) == std::vector<std::int32_t>{8, 1}));
  auto back = values({2, 3, 2});
  const NodeResult vectors = back.input("codes", tensor_of({2}, std::vector<std::int32_t>{8, 1})).run();
  BOOST_TEST(std::ranges::equal(vectors.outputs.at("y").values(), y));
  auto smooth = quantizer({2, 4, 2});
  smooth.random_input("x", {4, 3}, 1.5).option("round", false);
  expect_ok(smooth.check());
}

BOOST_AUTO_TEST_CASE(counts_codes_in_training_only) {
  auto tester = quantizer({3, 3});
  tester.input("x", tensor_of({2, 2}, std::vector{0.0F, 0.0F, 9.0F, -9.0F}));  // codes 4 and 2
  const NodeResult trained = tester.run();
  const auto unused = trained.states.at("unused_for").values();
  BOOST_TEST((std::vector<float>(unused.begin(), unused.end()) == std::vector<float>{1, 1, 0, 1, 0, 1, 1, 1, 1}));
  BOOST_TEST(std::abs(trained.states.at("perplexity").values()[0] - 2) < 1e-6F);
  const NodeResult evaluated = tester.evaluation().run();
  BOOST_TEST(evaluated.states.at("unused_for").values()[0] == 0);
}

BOOST_AUTO_TEST_CASE(refuses) {
  auto misfit = quantizer({8, 5});
  misfit.random_input("x", {2, 3});
  BOOST_TEST(misfit.error().find("2 channels") != std::string::npos, misfit.error());
  auto one = quantizer({8, 1});
  BOOST_TEST(one.random_input("x", {2, 2}).error().find("levels") != std::string::npos, one.error());
  auto many = quantizer({4096, 4096, 4096});
  BOOST_TEST(many.random_input("x", {2, 3}).error().find("too many codes") != std::string::npos, many.error());
  auto diverged = quantizer({3});
  diverged.input("x", tensor_of({2, 1}, std::vector{0.0F, NAN}));
  BOOST_CHECK_EXCEPTION(diverged.run(), Error, [](const Error& e) { return e.code() == ErrorCode::not_finite; });
  for (const std::int32_t code : {-1, 15}) {
    auto beyond = values({3, 5});
    beyond.input("codes", tensor_of({1}, std::vector<std::int32_t>{code}));
    BOOST_CHECK_EXCEPTION(beyond.run(), Error, [](const Error& e) { return e.code() == ErrorCode::out_of_range; });
  }
}

BOOST_AUTO_TEST_SUITE_END()
