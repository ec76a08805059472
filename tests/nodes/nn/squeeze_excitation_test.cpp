// squeeze_excitation compared with two linear layers of PyTorch, and its parameters.
#include <boost/test/unit_test.hpp>

#include "nodes/node_checks.h"

using namespace loom;
using namespace loom::check;

namespace {

NodeTester layer() { return {standard_registry(), "squeeze_excitation"}; }

}  // namespace

BOOST_AUTO_TEST_SUITE(squeeze_excitation)

BOOST_AUTO_TEST_CASE(equals_pytorch) {
  expect_ok(
      check_golden(standard_registry(), "squeeze_excitation", LOOM_SOURCE_DIR "/tests/golden/squeeze_excitation.npz"));
}

BOOST_AUTO_TEST_CASE(keeps_the_rules) {
  for (const Shape& shape : {Shape{5, 3, 4, 32}, Shape{4, 7, 6}, Shape{6, 10}})
    expect_ok(layer().option("ratio", 2).random_input("x", shape).check());
}

BOOST_AUTO_TEST_CASE(hidden_units) {
  const auto shape_of_weight1 = [](std::int64_t channels, const char* option, std::int64_t value) {
    auto tester = layer();
    tester.option(option, value).random_input("x", {2, 3, channels});
    return tester.run_random().diff_parameters.at("weight1").shape();
  };
  BOOST_TEST((shape_of_weight1(32, "ratio", 16) == Shape{2, 32}));
  BOOST_TEST((shape_of_weight1(8, "ratio", 16) == Shape{1, 8}));
  BOOST_TEST((shape_of_weight1(8, "hidden", 5) == Shape{5, 8}));
}

// Open gates leave the map unchanged; closed gates set it to 0.
BOOST_AUTO_TEST_CASE(gates) {
  for (const float bias : {40.0F, -40.0F}) {
    auto tester = layer();
    tester.random_input("x", {2, 3, 3, 4}).parameter("weight2", Tensor(DType::f32, {4, 1}));
    tester.parameter("bias2", tensor_of({4}, std::vector<float>(4, bias)));
    const NodeResult result = tester.run();
    const Tensor x = random_tensor({2, 3, 3, 4}, stream_of("x"));
    for (std::size_t i = 0; i < x.values().size(); ++i)
      BOOST_TEST(std::abs(result.outputs.at("y").values()[i] - (bias > 0 ? x.values()[i] : 0)) < 1e-6F);
  }
}

BOOST_AUTO_TEST_CASE(refuses) {
  auto tester = layer();
  BOOST_TEST(tester.option("ratio", 0).random_input("x", {2, 4}).error().find("ratio") != std::string::npos);
  auto misfit = layer();
  misfit.random_input("x", {2, 4}).parameter("bias2", tensor_of({3}, std::vector<float>(3)));
  BOOST_TEST(misfit.error().find("bias2") != std::string::npos, misfit.error());
}

BOOST_AUTO_TEST_SUITE_END()
