#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(constant)

BOOST_AUTO_TEST_CASE(fills_every_sample) {
  auto number = node("constant");
  const NodeResult all = number.option("value", 2.5).option("shape", list({2, 2})).samples(3).run();
  BOOST_TEST((all.outputs.at("y").shape() == loom::Shape{3, 2, 2}));
  for (float value : all.outputs.at("y").values()) BOOST_TEST(value == 2.5F);
  auto each = node("constant");
  const NodeResult row = each.option("value", list({1, 2, 3})).option("shape", list({3})).samples(2).run();
  Report report;
  compare(report, "y", row.outputs.at("y"), tensor_of({2, 3}, std::vector<float>{1, 2, 3, 1, 2, 3}), 0);
  expect_ok(report);
}

BOOST_AUTO_TEST_CASE(reports_a_list_of_another_length) {
  auto tester = node("constant");
  expect_error(tester.option("value", list({1, 2})).option("shape", list({3})), "does not fill the shape");
}

BOOST_AUTO_TEST_SUITE_END()
