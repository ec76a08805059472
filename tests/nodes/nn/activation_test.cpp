#include <set>

#include "math/activation.h"
#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(activation)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("activation"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  for (const std::string& function : loom::math::activation_names()) {
    BOOST_TEST_CONTEXT(function) {
      auto tester = node("activation");
      const bool halved = std::set<std::string>{"log", "log1p", "sqrt", "rsqrt", "reciprocal"}.contains(function);
      loom::Tensor x = random_tensor({3, 7, 3}, 11, 1.5);
      for (float& value : x.values())
        if (halved) value = std::abs(value) + 0.3F;  // where it is defined
      expect_ok(tester.option("function", function).input("x", std::move(x)).check());
    }
  }
}

BOOST_AUTO_TEST_CASE(has_the_values_of_formulas) {
  for (const std::string function : {"log", "log1p", "expm1", "sqrt", "rsqrt", "abs", "sin", "cos", "erf"}) {
    auto tester = node("activation"), formula = node("expr");
    tester.option("function", function).random_input("x", {4, 9}, 3);
    formula.option("y", function + "(x)").random_input("x", {4, 9}, 3);
    const auto got = tester.run().outputs.at("y").clone(), expected = formula.run().outputs.at("y").clone();
    for (std::size_t i = 0; i < 36; ++i) {
      const float a = got.values()[i], b = expected.values()[i];
      BOOST_TEST((std::isnan(a) ? std::isnan(b) : std::abs(a - b) <= 2e-6F * std::max(1.0F, std::abs(b))),
                 function << ": " << a << " and " << b);
    }
  }
}

BOOST_AUTO_TEST_CASE(reports_unknown_functions) {
  auto tester = node("activation");
  expect_error(tester.option("function", "tahn").random_input("x", {2, 3}), "tanh");
}

BOOST_AUTO_TEST_SUITE_END()
