#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(standard_normal)

BOOST_AUTO_TEST_CASE(draws_standard_normal_values) {
  auto tester = node("standard_normal");
  const NodeResult result = tester.option("shape", list({50, 20})).samples(20).run();
  double sum = 0, squares = 0;
  for (float y : result.outputs.at("y").values()) {
    sum += static_cast<double>(y);
    squares += static_cast<double>(y) * static_cast<double>(y);
  }
  BOOST_TEST(std::abs(sum / 20000) < 0.03);
  BOOST_TEST(std::abs(squares / 20000 - 1) < 0.03);
  expect_ok(tester.check_shards());
}

BOOST_AUTO_TEST_CASE(reports_a_missing_shape) {
  auto tester = node("standard_normal");
  expect_error(tester, "shape");
}

BOOST_AUTO_TEST_SUITE_END()
