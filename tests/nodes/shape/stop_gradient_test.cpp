#include "loom/node.h"
#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(stop_gradient)

BOOST_AUTO_TEST_CASE(passes_the_value_and_no_gradient) {
  auto tester = node("stop_gradient");
  const NodeResult result = tester.random_input("x", {2, 3}).run_random();
  Report report;
  compare(report, "y", result.outputs.at("y"), random_tensor({2, 3}, loom::stream_of("x")), 0);
  expect_ok(report);
  BOOST_TEST(result.diff_inputs.empty());
  BOOST_TEST(!tester.contract().inputs().front().is_differentiable);
}

BOOST_AUTO_TEST_SUITE_END()
