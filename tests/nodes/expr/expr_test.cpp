#include <cmath>
#include <limits>

#include "nodes/node_checks.h"

using namespace loom;
using namespace loom::check;

namespace {

NodeTester formula(const std::string& text) {
  auto tester = node("expr");
  tester.option("y", text);
  return tester;
}

OptionMap named(std::vector<std::pair<std::string, std::string>> formulas) {
  OptionMap map;
  for (auto& [name, text] : formulas) map.push_back({name, std::move(text)});
  return map;
}

// The value of a formula of numbers.
float number(const std::string& text) {
  auto tester = formula(text);
  return tester.input("x", tensor_of({1}, std::vector<float>{2})).run().outputs.at("y").values()[0];
}

void expect_values(const NodeResult& result, const Shape& shape, const std::vector<float>& values,
                   double tolerance = 1e-6) {
  Report report;
  compare(report, "y", result.outputs.at("y"), tensor_of(shape, values), tolerance);
  expect_ok(report);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(expr)

BOOST_AUTO_TEST_CASE(operators_bind_as_in_mathematics) {
  BOOST_TEST(number("1 + 2 * 3 - 4 / 8") == 6.5F);
  BOOST_TEST(number("2 - 3 - 4") == -5);
  BOOST_TEST(number("-2^2 + 2^3^0") == -2);
  BOOST_TEST(number("2**-1") == 0.5F);
  BOOST_TEST(number("-x^2 * -x") == 8);
  BOOST_TEST(number("(1 + 2) * .5e1") == 15);
  BOOST_TEST(number("1 + 1 < 3") == 1);
  BOOST_TEST(number("x != 2") == 0);
  BOOST_TEST(number("x >= 2") == 1);
  BOOST_TEST(number("x > 2") == 0);
  BOOST_TEST(number("+x - -x") == 4);
  BOOST_TEST(number("where(x <= 2, 7, 8)") == 7);
  BOOST_TEST(std::abs(number("sin(pi / 6) + x * 0") - 0.5F) < 1e-6F);
}

BOOST_AUTO_TEST_CASE(axes_are_broadcast_from_the_last_and_samples_stay_apart) {
  auto tester = formula("x + t * c");
  const NodeResult result = tester.input("x", tensor_of({2, 1, 2}, std::vector<float>{1, 2, 3, 4}))
                                .input("t", tensor_of({2}, std::vector<float>{1, 10}))
                                .input("c", tensor_of({2, 2, 1}, std::vector<float>{1, 2, 3, 4}))
                                .run();
  expect_values(result, {2, 2, 2}, {2, 3, 3, 4, 33, 34, 43, 44});
}

BOOST_AUTO_TEST_CASE(reductions_name_axes_as_other_nodes_do) {
  const auto value = [](const std::string& text) {
    auto tester = formula(text);
    return tester.input("x", tensor_of({1, 2, 3}, std::vector<float>{1, 2, 3, 4, 5, 7})).run();
  };
  expect_values(value("sum(x)"), {1}, {22});
  expect_values(value("sum(x, axis=1)"), {1, 3}, {5, 7, 10});
  expect_values(value("sum(x, axis=-1)"), {1, 2}, {6, 16});
  expect_values(value("mean(x, axis=2, keep)"), {1, 2, 1}, {2, 16 / 3.0F});
  expect_values(value("max(x, axis=[1, 2])"), {1}, {7});
  expect_values(value("min(x, axis=-2, keep=true)"), {1, 1, 3}, {1, 2, 3});
  expect_values(value("prod(x, axis=1)"), {1, 3}, {4, 10, 21});
  expect_values(value("var(x, axis=2)"), {1, 2}, {2 / 3.0F, 14 / 9.0F});
  expect_values(value("logsumexp(x - x)"), {1}, {std::log(6.0F)});
  expect_values(value("cumsum(x)"), {1, 2, 3}, {1, 3, 6, 4, 9, 16});
  expect_values(value("cumsum(x, axis=1)"), {1, 2, 3}, {1, 2, 3, 5, 7, 10});
  expect_values(value("x / sum(x, axis=1, keep)"), {1, 2, 3}, {0.2F, 2 / 7.0F, 0.3F, 0.8F, 5 / 7.0F, 0.7F});
}

BOOST_AUTO_TEST_CASE(several_outputs_share_parts) {
  auto tester = node("expr");
  tester.option("outputs", named({{"y", "x * s + m"}, {"log_det", "sum(log(s))"}}))
      .option("let", named({{"m", "mean(s, keep)"}, {"s", "exp(tanh(raw))"}}));
  tester.random_input("x", {4, 3, 2}).random_input("raw", {4, 3, 2});
  expect_ok(tester.check());
  BOOST_TEST((tester.output_shapes() == std::vector<Shape>{{kBatch, 3, 2}, {kBatch}}));
}

// Where a derivative does not exist, PyTorch's is taken.
BOOST_AUTO_TEST_CASE(gradients_at_kinks) {
  const auto gradient = [](const std::string& text, std::vector<float> x) {
    auto tester = formula("sum(" + text + ")");
    const Shape shape{1, static_cast<std::int64_t>(x.size())};
    Tensors upstream;
    upstream.emplace("y", tensor_of({1}, std::vector<float>{1}));
    const auto result = tester.input("x", tensor_of(shape, x)).run(upstream);
    const auto values = result.diff_inputs.at("x").values();
    return std::vector<float>(values.begin(), values.end());
  };
  using Floats = std::vector<float>;
  BOOST_TEST((gradient("abs(x)", {-2, 0, 3}) == Floats{-1, 0, 1}));
  BOOST_TEST((gradient("max(x)", {1, 4, 4, 2}) == Floats{0, 0.5F, 0.5F, 0}));
  BOOST_TEST((gradient("min(x)", {1, 1, 1, 1}) == Floats{0.25F, 0.25F, 0.25F, 0.25F}));
  BOOST_TEST((gradient("max(x, 0)", {-1, 0, 1}) == Floats{0, 0.5F, 1}));
  BOOST_TEST((gradient("min(x, 1)", {0, 1, 2}) == Floats{1, 0.5F, 0}));
  BOOST_TEST((gradient("clip(x, -1, 1)", {-2, -1, 0, 1, 2}) == Floats{0, 1, 1, 1, 0}));
  BOOST_TEST((gradient("prod(x)", {0, 2, 3}) == Floats{6, 0, 0}));
  BOOST_TEST((gradient("prod(x)", {0, 0, 3}) == Floats{0, 0, 0}));
  BOOST_TEST((gradient("x^2", {0, 1, -3}) == Floats{0, 2, -6}));
  BOOST_TEST((gradient("pow(x, 1.5)", {0, 4}) == Floats{0, 3}));
  BOOST_TEST((gradient("where(x > 0, x, 0)", {-1, 0, 1}) == Floats{0, 0, 1}));
  BOOST_TEST((gradient("x * floor(x) + round(x)", {1.5F}) == Floats{1}));
  BOOST_TEST((gradient("stop(x) * x", {3}) == Floats{3}));
}

BOOST_AUTO_TEST_CASE(derivatives_over_the_domains_of_functions) {
  struct Domain {
    std::string text;
    double scale, offset;
  };
  const std::vector<Domain> domains = {{"exp(x)", 1.5, 0},
                                       {"log(x)", 0.3, 2},
                                       {"log1p(x)", 0.15, 0.5},
                                       {"expm1(x)", 1, 0},
                                       {"sqrt(x)", 0.3, 2},
                                       {"rsqrt(x)", 0.3, 2},
                                       {"abs(x)", 2, 0},
                                       {"pow(x, 2.5)", 0.3, 2},
                                       {"x^3", 1, 0},
                                       {"2^x", 1, 0},
                                       {"sin(x)", 3, 0},
                                       {"cos(x)", 3, 0},
                                       {"tanh(x)", 1, 0},
                                       {"sigmoid(x)", 2, 0},
                                       {"softplus(x)", 3, 0},
                                       {"erf(x)", 1, 0},
                                       {"lgamma(x)", 0.3, 2},
                                       {"lgamma(x)", 0.1, -2.5},
                                       {"digamma(x)", 0.3, 2},
                                       {"digamma(x)", 0.1, -1.5},
                                       {"trigamma(x)", 0.3, 2},
                                       {"trigamma(x)", 0.1, -0.5},
                                       {"clip(x, -1, 1)", 1, 0},
                                       {"max(x, 0.3)", 1, 0},
                                       {"min(x, 0.3)", 1, 0},
                                       {"where(x > 0, x^2, 3 * x)", 1, 0},
                                       {"1 / x", 0.3, 2},
                                       {"x / (1 + x^2)", 1, 0},
                                       {"x^-2", 0.3, 2},
                                       {"x^0.5 + x^-0.5 + x^4", 0.3, 2},
                                       {"sum(x)", 1, 0},
                                       {"sum(x, axis=1) * 2", 1, 0},
                                       {"mean(x, axis=2)", 1, 0},
                                       {"max(x, axis=1)", 1, 0},
                                       {"min(x, axis=-1, keep) * x", 1, 0},
                                       {"logsumexp(x)", 1, 0},
                                       {"logsumexp(3 * x, axis=1)", 1, 0},
                                       {"prod(x)", 0.2, 1},
                                       {"prod(x, axis=2)", 1, 0},
                                       {"var(x)", 1, 0},
                                       {"var(x, axis=1)", 1, 0},
                                       {"softmax(x) * x", 1, 0},
                                       {"softmax(x, axis=1)^2", 1, 0},
                                       {"log_softmax(x)", 1, 0},
                                       {"log_softmax(x, axis=-2)", 1, 0},
                                       {"cumsum(x)^2", 1, 0},
                                       {"cumsum(x, axis=1)^2", 1, 0},
                                       {"(x - mean(x, axis=2, keep)) * rsqrt(var(x, axis=2, keep) + 0.1)", 1, 0}};
  for (const Domain& domain : domains) {
    BOOST_TEST_CONTEXT(domain.text) {
      auto tester = formula(domain.text);
      expect_ok(tester.random_input("x", {3, 4, 5}, domain.scale, domain.offset).check());
    }
  }
}

BOOST_AUTO_TEST_CASE(long_events_are_computed_in_pieces) {
  for (const char* text :
       {"sum(softplus(x) - x * c)", "softmax(x, axis=1) * c", "x * max(c, axis=-1, keep) + sum(x, axis=1)",
        "sum(x * c, axis=[1, 3])", "prod(1 + 0.01 * x, axis=2)", "cumsum(x, axis=2) - mean(x, axis=3, keep)"}) {
    BOOST_TEST_CONTEXT(text) {
      auto tester = formula(text);
      expect_ok(tester.random_input("x", {3, 7, 30, 11}).random_input("c", {3, 30, 11}).check());
      auto wide = formula(text);
      expect_ok(wide.random_input("x", {2, 2, 1500, 2}).random_input("c", {2, 1, 1500, 1}).check());
    }
  }
}

BOOST_AUTO_TEST_CASE(integers_are_numbers_without_gradient) {
  auto tester = formula("sum((x - k)^2) + where(k == 3, 1, 0) * sum(x)");
  tester.random_input("x", {2, 3}).input("k", tensor_of({2, 3}, std::vector<std::int32_t>{1, 2, 3, 4, 5, 6}));
  BOOST_TEST(tester.error().find("[N]") == std::string::npos);
  const NodeResult result = tester.run_random();
  BOOST_TEST(result.diff_inputs.contains("x"));
  BOOST_TEST(!result.diff_inputs.contains("k"));
  expect_ok(tester.check());
  auto alone = formula("cumsum(k)");
  expect_values(alone.input("k", tensor_of({1, 3}, std::vector<std::int32_t>{1, 2, 3})).run(), {1, 3}, {1, 3, 6});
}

BOOST_AUTO_TEST_CASE(inputs_that_gradients_do_not_reach_are_declared_so) {
  auto tester = formula("sum(stop(t) * x + floor(b) + where(c > 0, x, 2))");
  for (const char* name : {"t", "x", "b", "c", "unused"}) tester.random_input(name, {2, 3});
  expect_ok(tester.check());
  const Contract& contract = tester.contract();
  for (const char* name : {"t", "b", "c", "unused"})
    BOOST_TEST(!contract.inputs()[static_cast<std::size_t>(contract.input_index(name))].is_differentiable);
  BOOST_TEST(contract.inputs()[static_cast<std::size_t>(contract.input_index("x"))].is_differentiable);
  // The derivative needs t and c, and neither x nor b.
  BOOST_TEST(contract.reads_in_backward("t", Options()));
  BOOST_TEST(contract.reads_in_backward("c", Options()));
  BOOST_TEST(!contract.reads_in_backward("x", Options()));
  BOOST_TEST(!contract.reads_in_backward("b", Options()));
  BOOST_TEST(!contract.reads_in_backward("y", Options()));
}

BOOST_AUTO_TEST_CASE(a_formula_of_each_value_of_one_input_is_pointwise) {
  const auto pointwise = [](const std::string& text, std::vector<std::string> inputs) {
    auto tester = formula(text);
    for (const std::string& name : inputs) tester.random_input(name, {2, 3, 4});
    BOOST_TEST(tester.error().empty());
    return tester.contract().is_pointwise({});
  };
  BOOST_TEST(pointwise("x * sigmoid(x) + 1", {"x"}));
  BOOST_TEST(!pointwise("x + sum(x)", {"x"}));
  BOOST_TEST(!pointwise("cumsum(x)", {"x"}));
  BOOST_TEST(!pointwise("x + y", {"x", "y"}));
  BOOST_TEST(!pointwise("1 + 1", {"x"}));
}

BOOST_AUTO_TEST_CASE(outputs_that_are_inputs_or_constants) {
  auto tester = node("expr");
  tester.option("outputs",
                named({{"same", "x"}, {"again", "x"}, {"two", "2"}, {"half", "x / 2"}, {"first", "sum(x, axis=1)"}}));
  tester.random_input("x", {3, 4, 1});
  BOOST_TEST((tester.output_shapes() ==
              std::vector<Shape>{{kBatch, 4, 1}, {kBatch, 4, 1}, {kBatch}, {kBatch, 4, 1}, {kBatch, 1}}));
  expect_ok(tester.check());
}

BOOST_AUTO_TEST_CASE(not_a_number_is_kept) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const char* text :
       {"max(x, 0)", "min(0, x)", "clip(x, -1, 1)", "floor(x)", "round(x)", "abs(x)", "x^2", "max(x, axis=1)", "min(x)",
        "softmax(x)", "logsumexp(x)", "where(1, x, 0)", "x * 0", "sum(x)", "prod(x)"}) {
    auto tester = formula(text);
    const NodeResult result = tester.input("x", tensor_of({1, 1}, std::vector<float>{nan})).run();
    BOOST_TEST(std::isnan(result.outputs.at("y").values()[0]), text);
  }
  auto chosen = formula("where(x, 1, 2)");
  expect_values(chosen.input("x", tensor_of({1}, std::vector<float>{nan})).run(), {1}, {2});
}

BOOST_AUTO_TEST_CASE(simplifications_keep_the_value) {
  const auto value = [](const std::string& text, float x) {
    auto tester = formula(text);
    return tester.input("x", tensor_of({1}, std::vector<float>{x})).run().outputs.at("y").values()[0];
  };
  BOOST_TEST(value("(x - 0.1) * 3", 0.1F) == 0);
  BOOST_TEST(value("x * 1e30 * 1e30", 1e-38F) > 9e21F);
  BOOST_TEST(std::isfinite(value("x * 1e30 * 1e30", 1e-38F)));
  BOOST_TEST(value("x / 1e-40", 1e-10F) > 9e29F);
  BOOST_TEST(value("1e-20 * x * x", 1e25F) > 9e29F);
  BOOST_TEST(value("x * 3 / 3", 7) == 7);
}

BOOST_AUTO_TEST_CASE(infinite_logits_have_probabilities) {
  const float infinity = std::numeric_limits<float>::infinity();
  auto tester = formula("softmax(x)");
  expect_values(tester.input("x", tensor_of({1, 2}, std::vector<float>{-infinity, 1})).run(), {1, 2}, {0, 1});
  auto none = formula("logsumexp(x)");
  const NodeResult result = none.input("x", tensor_of({1, 2}, std::vector<float>{-infinity, -infinity})).run();
  BOOST_TEST(result.outputs.at("y").values()[0] == -infinity);
  auto large = formula("logsumexp(x)");
  expect_values(large.input("x", tensor_of({1, 2}, std::vector<float>{1000, 1000})).run(), {1}, {1000.6931F});
}

// The same values whatever the number of samples in a shard.
BOOST_AUTO_TEST_CASE(the_number_of_samples_changes_no_bit) {
  for (const std::int64_t width : {3, 100, 700}) {
    auto tester = formula("logsumexp(x) + sum(x * tanh(x)) + sum(cumsum(x) * softmax(x))");
    tester.random_input("x", {37, width});
    const NodeResult whole = tester.run_random(1), parts = tester.run_random(37);
    const auto same = [](const Tensor& a, const Tensor& b) { return std::ranges::equal(a.values(), b.values()); };
    BOOST_TEST(same(whole.outputs.at("y"), parts.outputs.at("y")));
  }
}

BOOST_AUTO_TEST_CASE(a_type_without_a_node_shows_what_it_takes) {
  const auto type = standard_registry().node("expr");
  BOOST_TEST(type->contract.has_open_ports());
  BOOST_TEST(type->contract.words().size() > 30U);
  const CheckTable table = check_type(type);
  BOOST_TEST(table.ok(), table.text());
  TypeCheck given;
  given.options.set("y", "sum(x * w, axis=1)");
  given.shapes = {{"x", Shape{4, 3, 2}}, {"w", Shape{4, 3, 1}}};
  const CheckTable own = check_type(type, given);
  BOOST_TEST(own.ok(), own.text());
}

BOOST_AUTO_TEST_SUITE_END()
