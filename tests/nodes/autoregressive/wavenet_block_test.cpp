#include "check/incremental_check.h"
#include "nodes/node_checks.h"

using namespace loom::check;
using loom::Filled;

namespace {

NodeTester block(int skip, int dilation, int kernel = 2) {
  auto tester = node("wavenet_block");
  tester.option("skip", skip).option("dilation", dilation).option("kernel", kernel);
  return tester;
}

auto visible(std::int64_t dilation, std::int64_t kernel) {
  return [=](const Glance& g) {
    const std::int64_t back = g.to.column - g.from.column;
    if (g.input == "skip_sum") return g.output == "skip" && back == 0;
    return back >= 0 && back % dilation == 0 && back / dilation < kernel;
  };
}

}  // namespace

BOOST_AUTO_TEST_SUITE(wavenet_block)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("wavenet_block"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  auto plain = block(5, 3);
  expect_ok(plain.random_input("x", {2, 9, 4}).check());
  auto conditioned = block(3, 2, 3);
  expect_ok(conditioned.random_input("x", {2, 12, 3})
                .random_input("condition", {2, 4, 5})
                .random_input("global", {2, 3})
                .random_input("skip_sum", {2, 12, 3})
                .check());
  auto global = block(3, 1);
  expect_ok(global.random_input("x", {3, 5, 2}).random_input("global", {3, 4}).check());
}

// Longer than a chunk, and not a multiple of one.
BOOST_AUTO_TEST_CASE(long_sequences_in_chunks) {
  auto tester = block(4, 100);
  expect_ok(tester.random_input("x", {1, 1100, 3}).random_input("condition", {1, 11, 2}).check_gradients(2e-3, 12));
}

BOOST_AUTO_TEST_CASE(sees_every_earlier_position_and_no_later_one) {
  for (const Filled fill : {Filled::through, Filled::before}) {
    auto plain = block(3, 4);
    plain.random_input("x", {3, 11, 4});
    expect_ok(check_incremental(
        plain, {.fills = {{"x", fill}}, .gives = {{"y", fill}, {"skip", fill}}, .sees = visible(4, 2)}));
    auto conditioned = block(2, 2, 3);
    conditioned.random_input("x", {2, 12, 3})
        .random_input("condition", {2, 3, 5})
        .random_input("global", {2, 4})
        .random_input("skip_sum", {2, 12, 2});
    expect_ok(check_incremental(conditioned, {.fills = {{"x", fill}, {"skip_sum", fill}}, .sees = visible(2, 3)}));
  }
  auto each = block(2, 1);
  each.random_input("x", {2, 6, 3}).random_input("condition", {2, 6, 2});
  expect_ok(check_incremental(each, {.fills = {{"x", Filled::through}}, .sees = visible(1, 2)}));
  auto global = block(2, 1);
  global.random_input("x", {1, 6, 3}).random_input("global", {1, 2});
  expect_ok(check_incremental(global, {.fills = {{"x", Filled::through}}, .sees = visible(1, 2)}));
}

BOOST_AUTO_TEST_CASE(reports_what_does_not_fit) {
  auto rate = block(3, 1);
  expect_error(rate.random_input("x", {2, 9, 4}).random_input("condition", {2, 4, 4}), "a divisor of the sequence");
  auto rank = block(3, 1);
  expect_error(rank.random_input("x", {2, 3, 3, 4}), "wrong number of axes");
  auto sum = block(3, 1);
  expect_error(sum.random_input("x", {2, 9, 4}).random_input("skip_sum", {2, 9, 4}), "skip_sum");
}

BOOST_AUTO_TEST_SUITE_END()
