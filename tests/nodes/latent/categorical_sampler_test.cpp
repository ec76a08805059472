#include "nodes/by_hand.h"
#include "nodes/node_checks.h"

using namespace loom::check;
using loom::Tensor;

namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();
constexpr int kDraws = 40000;

// How often each code is drawn from these logits.
std::vector<double> frequencies(const std::vector<float>& logits, NodeTester tester) {
  const auto classes = static_cast<std::int64_t>(logits.size());
  std::vector<float> repeated;
  for (int i = 0; i < kDraws; ++i) repeated.insert(repeated.end(), logits.begin(), logits.end());
  const NodeResult result = tester.input("logits", tensor_of({kDraws / 4, 4, classes}, repeated)).run();
  std::vector<double> counts(logits.size());
  for (const std::int32_t code : result.outputs.at("codes").values<std::int32_t>()) {
    BOOST_REQUIRE((code >= 0 && code < classes));
    counts[static_cast<std::size_t>(code)] += 1;
  }
  for (double& count : counts) count /= kDraws;
  return counts;
}

// Equal within five standard deviations; a code of probability 0 is never drawn.
void check_frequencies(const std::vector<double>& got, const std::vector<double>& expected) {
  for (std::size_t k = 0; k < expected.size(); ++k) {
    const double allowed = 5 * std::sqrt(expected[k] * (1 - expected[k]) / kDraws);
    BOOST_TEST(std::abs(got[k] - expected[k]) <= allowed, "code " << k << ": " << got[k] << ", not " << expected[k]);
  }
}

std::vector<float> logits_of(const std::vector<double>& probabilities) {
  std::vector<float> logits;
  for (const double p : probabilities) logits.push_back(static_cast<float>(std::log(p) + 3));
  return logits;
}

NodeTester sampler(double temperature, int top_k, double top_p) {
  auto tester = node("categorical_sampler");
  tester.option("temperature", temperature).option("top_k", top_k).option("top_p", top_p);
  return tester;
}

const std::vector<double> kProbabilities{0.1, 0.4, 0.05, 0.3, 0.15};

}  // namespace

BOOST_AUTO_TEST_SUITE(categorical_sampler)

BOOST_AUTO_TEST_CASE(draws_codes_with_their_probabilities) {
  const std::vector<float> logits = logits_of(kProbabilities);
  check_frequencies(frequencies(logits, node("categorical_sampler")), kProbabilities);
  // temperature 1/2 squares the probabilities
  double total = 0;
  for (const double p : kProbabilities) total += p * p;
  std::vector<double> squared;
  for (const double p : kProbabilities) squared.push_back(p * p / total);
  check_frequencies(frequencies(logits, sampler(0.5, 0, 1)), squared);
}

BOOST_AUTO_TEST_CASE(cuts_the_distribution) {
  const std::vector<float> logits = logits_of(kProbabilities);
  check_frequencies(frequencies(logits, sampler(1, 2, 1)), {0, 4.0 / 7, 0, 3.0 / 7, 0});
  check_frequencies(frequencies(logits, sampler(1, 9, 1)), kProbabilities);  // more than there are
  check_frequencies(frequencies(logits, sampler(1, 0, 0.71)), {0, 0.4 / 0.85, 0, 0.3 / 0.85, 0.15 / 0.85});
  check_frequencies(frequencies(logits, sampler(1, 0, 0.69)), {0, 4.0 / 7, 0, 3.0 / 7, 0});
  check_frequencies(frequencies(logits, sampler(1, 0, 0.01)), {0, 1, 0, 0, 0});
  // the nucleus of what top_k leaves: 0.4 of 0.7 is above a half
  check_frequencies(frequencies(logits, sampler(1, 2, 0.5)), {0, 1, 0, 0, 0});
}

BOOST_AUTO_TEST_CASE(ties_go_to_lower_codes) {
  const std::vector<float> equal(6, -2.0F);
  check_frequencies(frequencies(equal, sampler(1, 2, 1)), {0.5, 0.5, 0, 0, 0, 0});
  check_frequencies(frequencies(equal, sampler(1, 0, 0.49)), {1.0 / 3, 1.0 / 3, 1.0 / 3, 0, 0, 0});
  check_frequencies(frequencies(equal, sampler(0, 0, 1)), {1, 0, 0, 0, 0, 0});
}

BOOST_AUTO_TEST_CASE(temperature_0_takes_the_most_probable_code) {
  check_frequencies(frequencies(logits_of(kProbabilities), sampler(0, 0, 1)), {0, 1, 0, 0, 0});
  check_frequencies(frequencies({-1e30F, kNever, -1e29F}, sampler(0, 0, 1)), {0, 0, 1});
  check_frequencies(frequencies({1, 1.001F, 0}, sampler(1e-300, 0, 1)), {0, 1, 0});
}

BOOST_AUTO_TEST_CASE(forbidden_codes_and_large_logits) {
  check_frequencies(frequencies({kNever, 0, kNever, 0}, sampler(1, 0, 1)), {0, 0.5, 0, 0.5});
  check_frequencies(frequencies({kNever, 0, kNever, 0}, sampler(1, 3, 0.9)), {0, 0.5, 0, 0.5});
  check_frequencies(frequencies({3e38F, 3e38F, -3e38F}, sampler(1, 0, 1)), {0.5, 0.5, 0});
}

// The nucleus found in pieces equals the one found by sorting all codes.
BOOST_AUTO_TEST_CASE(nucleus_of_many_codes) {
  constexpr int kClasses = 512;
  const Tensor logits = random_tensor({1, kClasses}, 5, 1.5);
  std::vector<double> weights;
  for (const float l : logits.values()) weights.push_back(std::exp(static_cast<double>(l)));
  std::vector<std::size_t> order(kClasses);
  for (std::size_t k = 0; k < kClasses; ++k) order[k] = k;
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return weights[a] > weights[b]; });
  double total = 0, reached = 0;
  for (const double w : weights) total += w;
  std::vector<double> expected(kClasses, 0);
  std::size_t kept = 0;
  while (reached < 0.8 * total) reached += weights[order[kept++]];
  BOOST_REQUIRE((kept > 100 && kept < 300));
  for (std::size_t i = 0; i < kept; ++i) expected[order[i]] = weights[order[i]] / reached;
  check_frequencies(frequencies({logits.values().begin(), logits.values().end()}, sampler(1, 0, 0.8)), expected);
}

BOOST_AUTO_TEST_CASE(one_position_at_a_time_draws_the_same) {
  constexpr std::int64_t kSamples = 3, kPositions = 35, kClasses = 9;
  const Tensor logits = random_tensor({kSamples, 5, 7, kClasses}, 3);
  for (const ByHand::Values& options :
       {ByHand::Values{}, ByHand::Values{{"top_k", 4}, {"top_p", 0.9}}, ByHand::Values{{"temperature", 0.0}}}) {
    const auto maps = several(logits.clone());
    ByHand whole("categorical_sampler", options, maps, {}, {kSamples, 5, 7});
    ByHand at("categorical_sampler", options, several(Tensor(loom::DType::f32, {kSamples, kClasses})), {}, {kSamples});
    const Tensor codes = whole.forward(maps);
    const Tensor rows = positions_first(logits);
    for (std::int64_t p = 0; p < kPositions; ++p) {
      const auto row = several(Tensor(loom::DType::f32, {kSamples, kClasses}));
      std::ranges::copy(rows.view()[p], row[0].values().begin());
      const Tensor drawn = at.forward(row, p);
      for (std::int64_t n = 0; n < kSamples; ++n)
        BOOST_TEST(drawn.view().data<std::int32_t>()[n] == codes.view().data<std::int32_t>()[n * kPositions + p]);
    }
  }
}

BOOST_AUTO_TEST_CASE(repeatable_and_the_same_in_shards) {
  auto tester = sampler(1, 3, 0.9);
  const NodeResult one = tester.random_input("logits", {8, 6, 5}).run(), four = tester.run({}, 4), again = tester.run();
  const auto codes = [](const NodeResult& r) { return r.outputs.at("codes").values<std::int32_t>(); };
  BOOST_TEST(std::ranges::equal(codes(one), codes(four)));
  BOOST_TEST(std::ranges::equal(codes(one), codes(again)));
}

BOOST_AUTO_TEST_CASE(names_the_sample_whose_logits_are_no_distribution) {
  for (const double temperature : {0.0, 1.0}) {
    const auto message = [&](float bad, float other) {
      auto tester = sampler(temperature, 0, 1);
      tester.input("logits", tensor_of({2, 3}, std::vector<float>{0, 0, 0, other, bad, other}));
      try {
        tester.run();
      } catch (const loom::Error& e) {
        BOOST_TEST((e.code() == loom::ErrorCode::not_finite));
        return std::string(e.what());
      }
      return std::string("no error");
    };
    BOOST_TEST(message(NAN, 0).find("sample 1 do not define a distribution: one is not a number") != std::string::npos);
    BOOST_TEST(message(HUGE_VALF, 0).find("one is infinite") != std::string::npos);
    BOOST_TEST(message(kNever, kNever).find("forbidden") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(reports_bad_options) {
  auto cold = node("categorical_sampler");
  expect_error(cold.option("temperature", -1.0).random_input("logits", {2, 3}), ">= 0");
  auto none = node("categorical_sampler");
  expect_error(none.option("top_p", 0.0).random_input("logits", {2, 3}), "> 0");
}

BOOST_AUTO_TEST_SUITE_END()
