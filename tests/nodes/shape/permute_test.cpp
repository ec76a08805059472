#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(permute)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("permute", {.option_names = {{"axes", "order"}}}); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  auto tester = node("permute");
  expect_ok(tester.option("order", list({3, 1, 2})).random_input("x", {2, 3, 4, 2}).check());
  auto last = node("permute");
  expect_ok(last.option("order", list({2, 1, -1})).random_input("x", {2, 3, 4, 2}).check());
}

BOOST_AUTO_TEST_CASE(reports_what_is_no_permutation) {
  for (const auto& order : {list({1, 1, 2}), list({1, 2}), list({1, 2, 4}), list({3, 0, 1})}) {
    auto tester = node("permute");
    expect_error(tester.option("order", order).random_input("x", {2, 3, 4, 2}), "not a permutation");
  }
}

BOOST_AUTO_TEST_SUITE_END()
