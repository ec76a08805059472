#include <limits>

#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(cast)

BOOST_AUTO_TEST_CASE(cuts_towards_zero) {
  auto tester = node("cast");
  tester.option("to", "i32").input("x", tensor_of({2, 3}, std::vector<float>{1.9F, -1.9F, 0, -0.5F, 7, 2147483520}));
  const loom::Tensor y = tester.run().outputs.at("y").clone();
  const std::vector<std::int32_t> expected = {1, -1, 0, 0, 7, 2147483520};
  BOOST_TEST(std::ranges::equal(y.values<std::int32_t>(), expected));
}

BOOST_AUTO_TEST_CASE(numbers_keep_their_gradient) {
  auto tester = node("cast");
  expect_ok(tester.option("to", "f32").random_input("x", {3, 4}).check());
  auto codes = node("cast");
  codes.option("to", "f32").input("x", tensor_of({2, 2}, std::vector<std::int32_t>{-3, 0, 5, 1 << 24}));
  BOOST_TEST(codes.run().outputs.at("y").values()[3] == 16777216);
}

BOOST_AUTO_TEST_CASE(names_the_sample_that_has_no_integer) {
  for (const float wrong : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 3e9F}) {
    auto tester = node("cast");
    tester.option("to", "i32").input("x", tensor_of({2, 2}, std::vector<float>{1, 2, 3, wrong}));
    BOOST_CHECK_EXCEPTION(tester.run(), loom::Error, [](const loom::Error& e) {
      return std::string(e.what()).find("sample 1") != std::string::npos;
    });
  }
}

BOOST_AUTO_TEST_SUITE_END()
