#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(pixel_shuffle)

BOOST_AUTO_TEST_CASE(equal_pytorch) {
  expect_golden("pixel_shuffle");
  expect_golden("pixel_unshuffle");
}

BOOST_AUTO_TEST_CASE(each_is_the_reverse_of_the_other) {
  const std::vector<std::pair<loom::Shape, loom::OptionValue>> cases = {
      {{3, 4, 6}, 2}, {{2, 4, 6, 3}, list({2, 3})}, {{2, 2, 4, 6, 1}, list({1, 2, 3})}};
  for (const auto& [shape, factor] : cases) {
    auto small = node("pixel_unshuffle"), large = node("pixel_shuffle");
    small.option("factor", factor).random_input("x", shape);
    large.option("factor", factor).input("x", small.run().outputs.at("y").clone());
    Report report = small.check();
    compare(report, "y", large.run().outputs.at("y"), random_tensor(shape, loom::stream_of("x")), 0);
    report.add(large.check());
    expect_ok(report);
  }
}

BOOST_AUTO_TEST_CASE(report_what_does_not_fit) {
  auto channels = node("pixel_shuffle");
  expect_error(channels.random_input("x", {2, 3, 3, 6}), "cannot be shared out");
  auto positions = node("pixel_unshuffle");
  expect_error(positions.random_input("x", {2, 4, 3, 1}), "axis 2 of [N, 4, 3, 1]");
}

BOOST_AUTO_TEST_SUITE_END()
