#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(embedding)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("embedding"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  auto tester = node("embedding");
  tester.option("count", 4).option("dim", 3).input("x", tensor_of({2, 3}, std::vector<std::int32_t>{0, 3, 3, 1, 0, 3}));
  expect_ok(tester.check());
}

BOOST_AUTO_TEST_CASE(names_a_code_that_is_out_of_range) {
  for (std::int32_t code : {7, -1}) {
    auto tester = node("embedding");
    tester.option("count", 7).option("dim", 3).input("x", tensor_of({1, 2}, std::vector<std::int32_t>{0, code}));
    BOOST_CHECK_EXCEPTION(tester.run(), loom::Error, [&](const loom::Error& e) {
      return std::string(e.what()).find("the code " + std::to_string(code)) != std::string::npos;
    });
  }
}

BOOST_AUTO_TEST_CASE(reports_numbers_in_place_of_codes) {
  auto tester = node("embedding");
  expect_error(tester.option("count", 7).option("dim", 3).random_input("x", {2, 3}), "i32");
}

BOOST_AUTO_TEST_SUITE_END()
