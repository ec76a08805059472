// Derivatives of gradients, by differences: of the nodes that a critic is made of, one at a time.
#include "check/gradient_setup.h"
#include "check/node_call.h"
#include "math/activation.h"
#include "nodes/node_checks.h"

using namespace loom;
using namespace loom::check;

namespace {

// For every input with a gradient; how many inputs there are.
int expect_second_derivatives(const NodeTester& tester, double tolerance = 2e-3) {
  const NodeSetup setup = tester.setup();
  int count = 0;
  for (int input = 0; input < static_cast<int>(setup.inputs.size()); ++input) {
    std::optional<NodeSetup> gradient = gradient_setup(setup, input);
    if (!gradient) continue;
    const Report report = compare_with_differences(*gradient, {.tolerance = tolerance});
    BOOST_TEST(report.ok(), setup.type->name << " by input " << input << ": " << report.text());
    ++count;
  }
  BOOST_TEST(count > 0, setup.type->name);
  return count;
}

NodeTester expression(const std::string& formula) {
  NodeTester tester = node("expr");
  tester.option("y", formula);
  return tester;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(second_derivative)

BOOST_AUTO_TEST_CASE(layers_with_weights) {
  expect_second_derivatives(node("linear").option("units", 4).random_input("x", {5, 3}));
  expect_second_derivatives(
      node("linear").option("units", 4).option("activation", "gelu").random_input("x", {5, 2, 3}));
  expect_second_derivatives(node("conv")
                                .option("filters", 4)
                                .option("kernel", 3)
                                .option("padding", 1)
                                .option("stride", 2)
                                .random_input("x", {3, 6, 5, 2}));
  expect_second_derivatives(
      node("conv").option("filters", 4).option("kernel", 3).option("groups", 2).random_input("x", {3, 8, 4}));
  expect_second_derivatives(node("conv_transpose")
                                .option("filters", 3)
                                .option("kernel", 4)
                                .option("stride", 2)
                                .option("padding", 1)
                                .random_input("x", {2, 4, 3, 2}));
}

BOOST_AUTO_TEST_CASE(normalisations) {
  expect_second_derivatives(node("layer_norm").random_input("x", {4, 3, 6}));
  expect_second_derivatives(node("layer_norm").option("affine", false).random_input("x", {4, 6}));
  expect_second_derivatives(node("group_norm").option("groups", 2).random_input("x", {3, 4, 4}));
}

BOOST_AUTO_TEST_CASE(every_activation) {
  for (const std::string& name : math::activation_names()) {
    const bool positive = name == "log" || name == "sqrt" || name == "rsqrt" || name == "reciprocal" || name == "log1p";
    expect_second_derivatives(
        node("activation").option("function", name).random_input("x", {4, 9}, positive ? 0.2 : 1.5, positive ? 2 : 0.1),
        4e-3);
  }
}

// What no gradient flows to costs nothing: that of a relu does not move with its input.
BOOST_AUTO_TEST_CASE(derivatives_of_straight_lines_do_not_move) {
  for (const auto& [name, moves] : std::vector<std::pair<std::string, bool>>{{"leaky_relu", false}, {"tanh", true}}) {
    const NodeSetup setup = node("activation").option("function", name).random_input("x", {3, 4}).setup();
    const std::optional<NodeSetup> gradient = gradient_setup(setup, 0);
    BOOST_REQUIRE(gradient.has_value());
    BOOST_TEST(gradient->differentiable(0), name);
    BOOST_TEST(gradient->differentiable(1) == moves, name);
  }
}

BOOST_AUTO_TEST_CASE(products_by_each_factor) {
  BOOST_TEST(expect_second_derivatives(
                 node("multiply").random_input("x0", {3, 4}).random_input("x1", {3, 4}).random_input("x2", {3, 1})) ==
             3);
  BOOST_TEST(expect_second_derivatives(node("matmul").random_input("a", {3, 2, 4}).random_input("b", {3, 4, 5})) == 2);
  BOOST_TEST(expect_second_derivatives(node("einsum")
                                           .option("equation", "nab,nac->nbc")
                                           .random_input("x0", {2, 3, 4})
                                           .random_input("x1", {2, 3, 2})) == 2);
}

// Of x0 x1 x2 by x0, the gradient depends on x1 and x2.
BOOST_AUTO_TEST_CASE(the_gradient_by_a_factor_moves_with_the_others) {
  const NodeSetup setup =
      node("multiply").random_input("x0", {3, 4}).random_input("x1", {3, 4}).random_input("x2", {3, 1}).setup();
  const std::optional<NodeSetup> gradient = gradient_setup(setup, 0);
  BOOST_REQUIRE(gradient.has_value());
  BOOST_TEST(gradient->inputs.size() == 3U);
  for (std::size_t i = 0; i < 3; ++i) BOOST_TEST(gradient->differentiable(i));
}

BOOST_AUTO_TEST_CASE(moves_of_values) {
  expect_second_derivatives(node("add").random_input("x0", {3, 4}).random_input("x1", {3, 1}));
  expect_second_derivatives(node("concat").random_input("x0", {3, 4}).random_input("x1", {3, 2}));
  expect_second_derivatives(node("slice").option("start", 1).option("stop", 3).random_input("x", {3, 4}));
  expect_second_derivatives(node("split").option("parts", 2).random_input("x", {3, 4}));
  expect_second_derivatives(node("repeat").option("times", 3).random_input("x", {2, 4}));
  expect_second_derivatives(node("permute").option("order", list({2, 1})).random_input("x", {2, 3, 4}));
  expect_second_derivatives(node("flatten").random_input("x", {2, 3, 4}));
  expect_second_derivatives(node("upsample").random_input("x", {2, 3, 3, 2}));
  expect_second_derivatives(node("pixel_shuffle").random_input("x", {2, 3, 3, 4}));
  expect_second_derivatives(node("pool").option("kind", "average").random_input("x", {2, 4, 4, 3}));
  expect_second_derivatives(node("dropout").random_input("x", {4, 5}));
  expect_second_derivatives(node("batch_mean").random_input("x", {4, 5}));
  expect_second_derivatives(node("sum").random_input("x", {4, 5}));
}

BOOST_AUTO_TEST_CASE(formulas) {
  const auto of_two = [](const std::string& formula) {
    NodeTester tester = expression(formula);
    tester.random_input("a", {3, 4}).random_input("b", {3, 4});
    return tester;
  };
  for (const char* formula :
       {"sum(softplus(a) - b * a)", "a * b / (1 + b ^ 2)", "tanh(a) * sigmoid(b)", "logsumexp(a * b)", "softmax(a) * b",
        "var(a) + mean(b ^ 3)", "where(a > b, a * b, exp(a))", "log_softmax(a) * b ^ 2", "cumsum(a ^ 2) * b",
        "max(a * a, b)", "sum(a ^ 2, axis=-1, keep) * b", "lgamma(1.5 + a ^ 2) + erf(b)"})
    expect_second_derivatives(of_two(formula), 5e-3);
  BOOST_TEST(expect_second_derivatives(of_two("a ^ 2 * b ^ 2")) == 2);
}

BOOST_AUTO_TEST_CASE(formulas_that_cannot_be_differentiated_twice) {
  for (const char* formula : {"prod(a)", "trigamma(2 + a ^ 2)"}) {
    const NodeSetup setup = expression(formula).random_input("a", {3, 4}).setup();
    BOOST_TEST(!gradient_setup(setup, 0).has_value(), formula);
  }
  const NodeSetup largest = node("pool").random_input("x", {2, 4, 4, 3}).setup();
  BOOST_TEST(!gradient_setup(largest, 0).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
