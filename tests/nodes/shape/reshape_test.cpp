#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(reshape)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("reshape"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  auto tester = node("reshape");
  expect_ok(tester.option("shape", list({3, -1})).random_input("x", {2, 12}).check());
}

BOOST_AUTO_TEST_CASE(keeps_codes) {
  auto tester = node("reshape");
  tester.option("shape", list({4})).input("x", tensor_of({1, 2, 2}, std::vector<std::int32_t>{5, 6, 7, 8}));
  BOOST_TEST((tester.run().outputs.at("y").dtype() == loom::DType::i32));
}

BOOST_AUTO_TEST_CASE(reports_other_counts) {
  auto other = node("reshape");
  expect_error(other.option("shape", list({5})).random_input("x", {2, 12}), "as many values as the input");
  auto uneven = node("reshape");
  expect_error(uneven.option("shape", list({5, -1})).random_input("x", {2, 12}), "as many values as the input");
  auto twice = node("reshape");
  expect_error(twice.option("shape", list({-1, -1})).random_input("x", {2, 12}), "one -1");
}

BOOST_AUTO_TEST_SUITE_END()
