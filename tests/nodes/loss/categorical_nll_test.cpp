#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(categorical_nll)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("categorical_nll"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  auto tester = node("categorical_nll");
  tester.random_input("logits", {2, 3, 5})
      .input("target", tensor_of({2, 3}, std::vector<std::int32_t>{0, 4, 1, 2, 2, 3}));
  expect_ok(tester.check());
}

BOOST_AUTO_TEST_CASE(names_a_code_that_is_out_of_range) {
  auto tester = node("categorical_nll");
  tester.random_input("logits", {1, 2, 5}).input("target", tensor_of({1, 2}, std::vector<std::int32_t>{0, 5}));
  BOOST_CHECK_EXCEPTION(tester.run(), loom::Error, [](const loom::Error& e) {
    return std::string(e.what()).find("the code 5") != std::string::npos;
  });
}

BOOST_AUTO_TEST_CASE(reports_other_shapes) {
  auto tester = node("categorical_nll");
  expect_error(
      tester.random_input("logits", {1, 2, 5}).input("target", tensor_of({1, 3}, std::vector<std::int32_t>{0, 1, 2})),
      " here and ");
}

BOOST_AUTO_TEST_SUITE_END()
