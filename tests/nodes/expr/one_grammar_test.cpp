// ${...} and formulas are one language: what both can say has one value.
#include <cmath>

#include "formula/expression.h"
#include "formula/functions.h"
#include "nodes/node_checks.h"

using namespace loom;
using namespace loom::check;

namespace {

double value_of(const std::string& text) {
  return formula::Expression(text).value([](const std::string&) { return 0.0; },
                                         [](const auto&, double, formula::Span) { return 0.0; });
}

// The same formula of inputs that have these values, so that nothing is constant.
double value_of_node(const std::string& text, const std::map<std::string, float>& inputs) {
  auto tester = node("expr");
  tester.option("y", text);
  for (const auto& [name, number] : inputs) tester.input(name, tensor_of({1}, std::vector<float>{number}));
  return tester.run().outputs.at("y").values()[0];
}

}  // namespace

BOOST_AUTO_TEST_SUITE(one_grammar)

BOOST_AUTO_TEST_CASE(each_function_and_sign_has_one_value) {
  const std::map<std::string, float> inputs = {{"a", 1.75F}, {"b", 0.5F},   {"c", 0},   {"x", 0.375F},
                                               {"p", 3},     {"low", 0.5F}, {"high", 2}};
  const auto with_numbers = [&](const std::string& form) {
    return formula::Expression(form).with([&](const std::string& name) { return fmt::format("{}", inputs.at(name)); },
                                          [](const std::string& port) { return port; });
  };
  const auto read_by = [&](const std::string& form) {
    std::map<std::string, float> read;
    const formula::Expression expression(form);
    for (const auto& word : expression.names()) read[word.text] = inputs.at(word.text);
    return read;
  };
  std::vector<std::string> forms = {"a < b ? a : b", "c || b", "a && c", "a - b * x", "-a % b", "a % -b",
                                    "-a ^ p",        "a ** p", "a * pi", "a >= b",    "a != b", "a / b / x"};
  for (const formula::Function& function : formula::functions()) {
    std::string form(function.form);
    if (function.kind == formula::Function::Kind::along) continue;  // a number has no axis
    if (function.kind == formula::Function::Kind::reduction) form = form.substr(0, form.find(',')) + ")";
    forms.push_back(form);
  }
  for (const std::string& form : forms) {
    const double constant = value_of(with_numbers(form)), computed = value_of_node(form, read_by(form));
    BOOST_TEST(std::abs(constant - computed) <= 1e-5 * std::max(1.0, std::abs(constant)),
               form << ": " << constant << " and " << computed);
  }
}

// Each sign of the table in docs/graph-format.md can be read.
BOOST_AUTO_TEST_CASE(the_table_of_signs) {
  for (const formula::Sign& sign : formula::signs()) {
    std::string form(sign.form);
    form = form.substr(0, sign.name == "shape" ? std::string::npos : form.find(','));
    BOOST_TEST(form.find(sign.name) != std::string::npos, form);
    BOOST_CHECK_NO_THROW(formula::parse(form));
  }
  auto tester = node("expr");
  expect_error(tester.option("y", "x * shape(x, 1)").random_input("x", {2, 3}), "shape() stands within ${...}");
}

BOOST_AUTO_TEST_CASE(the_remainder_has_a_gradient) {
  auto tester = node("expr");
  tester.option("y", "a % b").input("a", tensor_of({4}, std::vector<float>{5.5F, -5.5F, 0.25F, 9}));
  expect_ok(tester.input("b", tensor_of({4}, std::vector<float>{2, 2, 3, -4})).check_gradients());
}

BOOST_AUTO_TEST_SUITE_END()
