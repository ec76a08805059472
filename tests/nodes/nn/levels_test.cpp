// levels_encode and levels_decode: pixels of 8 bits come back as they were, values beyond the ends, wrong codes.
#include <limits>

#include "nodes/node_checks.h"

using namespace loom::check;

namespace {

std::vector<std::int32_t> encode(const std::vector<float>& values, int levels) {
  auto tester = node("levels_encode");
  const NodeResult result = tester.option("levels", levels)
                                .input("x", tensor_of({static_cast<std::int64_t>(values.size()), 1}, values))
                                .run();
  const auto codes = result.outputs.at("codes").values<std::int32_t>();
  return {codes.begin(), codes.end()};
}

std::vector<float> decode(const std::vector<std::int32_t>& codes, int levels) {
  auto tester = node("levels_decode");
  const NodeResult result =
      tester.option("levels", levels).input("codes", tensor_of({static_cast<std::int64_t>(codes.size())}, codes)).run();
  const auto values = result.outputs.at("y").values();
  return {values.begin(), values.end()};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(levels)

BOOST_AUTO_TEST_CASE(bytes_come_back) {
  std::vector<std::int32_t> codes;
  for (std::int32_t k = 0; k < 256; ++k) codes.push_back(k);
  BOOST_TEST((encode(decode(codes, 256), 256) == codes));
}

BOOST_AUTO_TEST_CASE(levels_are_equally_wide) {
  BOOST_TEST(
      (encode({-1, 0, 0.24F, 0.25F, 0.74F, 0.99F, 1, 3}, 4) == std::vector<std::int32_t>{0, 0, 0, 1, 2, 3, 3, 3}));
  BOOST_TEST((decode({0, 1, 2, 3}, 4) == std::vector<float>{0, 1 / 3.0F, 2 / 3.0F, 1}));
}

BOOST_AUTO_TEST_CASE(wrong_values) {
  BOOST_CHECK_EXCEPTION(decode({4}, 4), loom::Error, [](const loom::Error& e) {
    return std::string(e.what()).find("a code 4, but the levels are 0 to 3") != std::string::npos;
  });
  BOOST_CHECK_EXCEPTION(encode({0, std::numeric_limits<float>::quiet_NaN()}, 4), loom::Error, [](const loom::Error& e) {
    return e.code() == loom::ErrorCode::not_finite && std::string(e.what()).find("sample 1") != std::string::npos;
  });
}

BOOST_AUTO_TEST_CASE(the_same_in_shards) {
  auto encoder = node("levels_encode");
  const NodeResult one = encoder.random_input("x", {8, 5}, 0.3).run(), four = encoder.run({}, 4);
  BOOST_TEST(std::ranges::equal(one.outputs.at("codes").values<std::int32_t>(),
                                four.outputs.at("codes").values<std::int32_t>()));
}

BOOST_AUTO_TEST_SUITE_END()
