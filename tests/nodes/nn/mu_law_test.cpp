// mu_law_encode and mu_law_decode against the recommendation's formula and against the data set of recordings.
#include "nodes/node_checks.h"

using namespace loom::check;

namespace {

constexpr double kMu = 255;

double companded(double x) { return std::copysign(std::log1p(kMu * std::abs(x)) / std::log(1 + kMu), x); }

std::vector<std::int32_t> encode(const std::vector<float>& samples, int classes = 256) {
  auto tester = node("mu_law_encode");
  const NodeResult result = tester.option("classes", classes)
                                .input("x", tensor_of({1, static_cast<std::int64_t>(samples.size()), 1}, samples))
                                .run();
  const auto codes = result.outputs.at("codes").values<std::int32_t>();
  return {codes.begin(), codes.end()};
}

std::vector<float> decode(const std::vector<std::int32_t>& codes, int classes = 256) {
  auto tester = node("mu_law_decode");
  const NodeResult result = tester.option("classes", classes)
                                .input("codes", tensor_of({static_cast<std::int64_t>(codes.size())}, codes))
                                .run();
  const auto samples = result.outputs.at("y").values();
  return {samples.begin(), samples.end()};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mu_law)

BOOST_AUTO_TEST_CASE(equals_pytorch) {
  expect_golden("mu_law_encode");
  expect_golden("mu_law_decode");
}

BOOST_AUTO_TEST_CASE(rounds_the_companded_sample) {
  std::vector<float> samples;
  for (int i = -1000; i <= 1000; ++i) samples.push_back(static_cast<float>(i) / 1000.0F);
  const std::vector<std::int32_t> codes = encode(samples);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const double exact = (companded(static_cast<double>(samples[i])) + 1) * 127.5 + 0.5;
    if (std::abs(exact - std::round(exact)) < 1e-4) continue;  // single precision may fall on either side
    BOOST_TEST(codes[i] == std::min(255, static_cast<int>(std::floor(exact))), "of " << samples[i]);
  }
  BOOST_TEST((encode({-5, -1, 0, 1, 7}) == std::vector<std::int32_t>{0, 0, 128, 255, 255}));
  BOOST_TEST((encode({-1, -0.01F, 0.01F, 1}, 2) == std::vector<std::int32_t>{0, 0, 1, 1}));
}

BOOST_AUTO_TEST_CASE(decoding_gives_a_sample_of_the_code) {
  std::vector<std::int32_t> codes(256);
  for (std::size_t k = 0; k < codes.size(); ++k) codes[k] = static_cast<std::int32_t>(k);
  const std::vector<float> samples = decode(codes);
  BOOST_TEST(samples.front() == -1);
  BOOST_TEST(samples.back() == 1);
  for (std::size_t k = 0; k < samples.size(); ++k)
    BOOST_TEST(std::abs(companded(static_cast<double>(samples[k])) - (2 * static_cast<double>(k) / kMu - 1)) < 1e-6);
  BOOST_TEST((encode(samples) == codes));
  BOOST_TEST((encode(decode({0, 1, 2, 3}, 4), 4) == std::vector<std::int32_t>{0, 1, 2, 3}));
}

BOOST_AUTO_TEST_CASE(the_same_in_shards) {
  auto encoder = node("mu_law_encode");
  const NodeResult one = encoder.random_input("x", {8, 5}, 0.3).run(), four = encoder.run({}, 4);
  BOOST_TEST(std::ranges::equal(one.outputs.at("codes").values<std::int32_t>(),
                                four.outputs.at("codes").values<std::int32_t>()));
  auto decoder = node("mu_law_decode");
  decoder.option("classes", 4).input("codes", tensor_of({2, 2}, std::vector<std::int32_t>{0, 3, 2, 1}));
  expect_ok(decoder.check_repeatable());
  expect_ok(decoder.check_shards());
}

BOOST_AUTO_TEST_CASE(names_what_is_no_code_and_no_number) {
  BOOST_CHECK_EXCEPTION(decode({0, 256}), loom::Error, [](const loom::Error& e) {
    return std::string(e.what()).find("sample 1 has the code 256") != std::string::npos;
  });
  BOOST_CHECK_EXCEPTION(decode({-1}), loom::Error, [](const loom::Error& e) {
    return std::string(e.what()).find("the code -1") != std::string::npos;
  });
  BOOST_CHECK_EXCEPTION(encode({0, NAN}), loom::Error, [](const loom::Error& e) {
    return e.code() == loom::ErrorCode::not_finite && std::string(e.what()).find("sample 0") != std::string::npos;
  });
  auto few = node("mu_law_encode");
  expect_error(few.option("classes", 1).random_input("x", {2, 3}), ">= 2");
}

BOOST_AUTO_TEST_SUITE_END()
