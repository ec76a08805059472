#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(reduce)

BOOST_AUTO_TEST_CASE(equal_the_functions_of_formulas) {
  for (const std::string function : {"sum", "mean", "max", "min", "logsumexp", "prod", "var"}) {
    for (const std::string& axes : std::vector<std::string>{"", ", axis=1", ", axis=[1, -1]", ", axis=2, keep"}) {
      auto tester = node("reduce"), formula = node("expr");
      tester.option("function", function).random_input("x", {3, 4, 2, 5});
      if (axes == ", axis=1") tester.option("axis", 1);
      if (axes == ", axis=[1, -1]") tester.option("axis", list({1, -1}));
      if (axes == ", axis=2, keep") tester.option("axis", 2).option("keep", true);
      formula.option("y", function + "(x" + axes + ")").random_input("x", {3, 4, 2, 5});
      Report report = tester.check();
      compare(report, "y", tester.run().outputs.at("y"), formula.run().outputs.at("y"), 0);
      BOOST_TEST(report.ok(), function << axes << ": " << report.text());
    }
  }
}

BOOST_AUTO_TEST_CASE(sum_is_a_loss_of_each_sample) {
  auto tester = node("sum");
  tester.input("x", tensor_of({2, 2, 2}, std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8}));
  Report report;
  compare(report, "y", tester.run().outputs.at("y"), tensor_of({2}, std::vector<float>{10, 26}), 0);
  report.add(tester.check());
  expect_ok(report);
  auto number = node("sum");  // of a number for each sample: itself
  expect_ok(number.random_input("x", {4}).check());
}

BOOST_AUTO_TEST_CASE(reads_codes) {
  auto tester = node("reduce");
  tester.option("function", "max").input("x", tensor_of({2, 3}, std::vector<std::int32_t>{1, 5, 2, -1, -7, -2}));
  Report report;
  compare(report, "y", tester.run().outputs.at("y"), tensor_of({2}, std::vector<float>{5, -1}), 0);
  expect_ok(report);
}

BOOST_AUTO_TEST_CASE(reports_axes_that_do_not_fit) {
  auto batch = node("sum");
  expect_error(batch.option("axis", 0).random_input("x", {2, 3}), "batch_mean");
  auto missing = node("sum");
  expect_error(missing.option("axis", 2).random_input("x", {2, 3}), "no axis 2");
  auto twice = node("sum");
  expect_error(twice.option("axis", list({1, -1})).random_input("x", {2, 3}), "named twice");
}

BOOST_AUTO_TEST_SUITE_END()
