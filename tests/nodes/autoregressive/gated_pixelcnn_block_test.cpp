#include "check/incremental_check.h"
#include "nodes/node_checks.h"

using namespace loom::check;
using loom::Filled;

namespace {

NodeTester block(int channels, int kernel, bool first) {
  auto tester = node("gated_pixelcnn_block");
  tester.option("channels", channels).option("kernel", kernel).option("first", first);
  return tester;
}

// What one block sees of each stack.
auto visible(std::int64_t half, bool first) {
  return [=](const Glance& g) {
    const std::int64_t down = g.to.row - g.from.row, right = g.to.column - g.from.column;
    const bool rows = down >= 0 && down <= half && std::abs(right) <= half;
    if (g.output == "vertical") return g.input == "vertical" && rows;
    if (g.input == "horizontal") return down == 0 && right >= (first ? 1 : 0) && right <= half;
    return down >= 1 && down <= half + 1 && std::abs(right) <= half;  // by way of the row above
  };
}

}  // namespace

BOOST_AUTO_TEST_SUITE(gated_pixelcnn_block)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("gated_pixelcnn_block"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  for (const bool first : {true, false}) {
    auto plain = block(4, 3, first);
    expect_ok(plain.random_input("vertical", {2, 4, 5, 4}).random_input("horizontal", {2, 4, 5, 4}).check());
  }
  auto conditioned = block(3, 5, false);
  expect_ok(conditioned.random_input("vertical", {2, 3, 4, 3})
                .random_input("horizontal", {2, 3, 4, 3})
                .random_input("class", {2, 5})
                .random_input("condition", {2, 3, 4, 2})
                .check());
}

BOOST_AUTO_TEST_CASE(sees_every_earlier_pixel_and_no_later_one) {
  auto first = block(3, 3, true);
  first.random_input("vertical", {2, 5, 4, 3}).random_input("horizontal", {2, 5, 4, 3});
  expect_ok(check_incremental(first, {.axes = 2,
                                      .fills = {{"vertical", Filled::before}, {"horizontal", Filled::before}},
                                      .gives = {{"vertical", Filled::rows_before}, {"horizontal", Filled::through}},
                                      .sees = visible(1, true)}));
  auto later = block(2, 5, false);
  later.random_input("vertical", {1, 5, 6, 2}).random_input("horizontal", {1, 5, 6, 2});
  expect_ok(check_incremental(later, {.axes = 2,
                                      .fills = {{"vertical", Filled::rows_before}, {"horizontal", Filled::through}},
                                      .gives = {{"vertical", Filled::rows_before}, {"horizontal", Filled::through}},
                                      .sees = visible(2, false)}));
  expect_ok(check_incremental(later, {.axes = 2,
                                      .fills = {{"vertical", Filled::rows_before}, {"horizontal", Filled::before}},
                                      .gives = {{"vertical", Filled::rows_before}, {"horizontal", Filled::before}}}));
}

BOOST_AUTO_TEST_CASE(conditions_position_by_position) {
  for (const bool first : {true, false}) {
    auto tester = block(3, 3, first);
    tester.random_input("vertical", {3, 4, 5, 3})
        .random_input("horizontal", {3, 4, 5, 3})
        .random_input("class", {3, 4})
        .random_input("condition", {3, 4, 5, 2});
    const Filled horizontal = first ? Filled::before : Filled::through;
    expect_ok(check_incremental(
        tester, {.axes = 2,
                 .fills = {{"vertical", first ? Filled::before : Filled::rows_before}, {"horizontal", horizontal}},
                 .sees = visible(1, first)}));
  }
}

BOOST_AUTO_TEST_CASE(reports_what_does_not_fit) {
  auto even = block(4, 4, false);
  expect_error(even.random_input("vertical", {2, 4, 5, 4}).random_input("horizontal", {2, 4, 5, 4}), "an odd kernel");
  auto channels = block(4, 3, false);
  expect_error(channels.random_input("vertical", {2, 4, 5, 3}).random_input("horizontal", {2, 4, 5, 4}), "axis 3");
  auto sizes = block(4, 3, false);
  expect_error(sizes.random_input("vertical", {2, 4, 5, 4}).random_input("horizontal", {2, 4, 6, 4}), "W is");
  auto lagging = block(4, 3, false);
  lagging.random_input("vertical", {2, 4, 5, 4}).random_input("horizontal", {2, 4, 5, 4});
  BOOST_CHECK_THROW(check_incremental(lagging, {.axes = 2, .fills = {{"horizontal", Filled::rows_before}}}),
                    loom::Error);
}

BOOST_AUTO_TEST_SUITE_END()
