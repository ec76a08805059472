// confidence_unmask against its definition: how many positions stay masked, which ones, and what never changes.
#include <map>
#include <numbers>
#include <set>

#include "nodes/node_checks.h"

using namespace loom::check;
using loom::Tensor;

namespace {

constexpr std::int64_t kSamples = 5, kPositions = 24, kClasses = 6;
constexpr std::int32_t kMasked = kClasses;

Tensor codes_of(const std::vector<std::int32_t>& one) {
  std::vector<std::int32_t> all;
  for (std::int64_t n = 0; n < kSamples; ++n) all.insert(all.end(), one.begin(), one.end());
  return tensor_of({kSamples, 4, 6}, all);
}

Tensor constant(const loom::Shape& shape, float value) {
  return tensor_of(shape, std::vector<float>(static_cast<std::size_t>(shape.count()), value));
}

Tensor drawn_codes() {
  std::vector<std::int32_t> codes;
  for (std::int64_t i = 0; i < kSamples * kPositions; ++i) codes.push_back(static_cast<std::int32_t>(i * 5 % kClasses));
  return tensor_of({kSamples, 4, 6}, codes);
}

NodeTester unmask(const Tensor& codes, double progress, double temperature = 0) {
  auto tester = node("confidence_unmask");
  tester.option("choice_temperature", temperature)
      .input("logits", random_tensor({kSamples, 4, 6, kClasses}, 3, 2))
      .input("drawn", drawn_codes())
      .input("codes", codes.clone())
      .input("progress", constant({kSamples, 1}, static_cast<float>(progress)));
  return tester;
}

std::vector<std::int32_t> next_of(NodeTester tester, int shards = 1) {
  const NodeResult result = tester.run({}, shards);
  const std::span<const std::int32_t> values = result.outputs.at("next").values<std::int32_t>();
  return {values.begin(), values.end()};
}

std::int64_t masked_of(const std::vector<std::int32_t>& codes, std::int64_t sample) {
  return std::count(codes.begin() + sample * kPositions, codes.begin() + (sample + 1) * kPositions, kMasked);
}

const std::vector<std::int32_t> kAll(kPositions, kMasked);

}  // namespace

BOOST_AUTO_TEST_SUITE(confidence_unmask)

BOOST_AUTO_TEST_CASE(the_schedule_says_how_many_stay_masked) {
  const std::map<std::string, double (*)(double)> schedules = {
      {"cosine", [](double p) { return std::cos(std::numbers::pi / 2 * p); }},
      {"linear", [](double p) { return 1 - p; }},
      {"square", [](double p) { return 1 - p * p; }}};
  for (const auto& [name, part] : schedules) {
    for (const double progress : {0.125, 0.25, 0.5, 0.875, 1.0}) {
      auto tester = unmask(codes_of(kAll), progress);
      const std::vector<std::int32_t> next = next_of(std::move(tester.option("schedule", name)));
      const auto expected = static_cast<std::int64_t>(std::floor(kPositions * part(progress) + 1e-9));
      for (std::int64_t n = 0; n < kSamples; ++n)
        BOOST_TEST(masked_of(next, n) == expected, name << " at " << progress << ": " << masked_of(next, n));
    }
  }
  // At least one position is filled in each step, and those that were given at first do not count.
  BOOST_TEST(masked_of(next_of(unmask(codes_of(kAll), 0.0)), 0) == kPositions - 1);
  std::vector<std::int32_t> half = kAll;
  std::fill_n(half.begin(), 12, 2);
  Tensor given = constant({kSamples, 4, 6}, 0);
  for (std::int64_t n = 0; n < kSamples; ++n) std::fill_n(given.values().begin() + n * kPositions, 12, 1.0F);
  auto tester = unmask(codes_of(half), 0.5);
  BOOST_TEST(masked_of(next_of(std::move(tester.input("given", std::move(given)))), 1) == 8);  // of 12, not of 24
  BOOST_TEST(masked_of(next_of(unmask(codes_of(half), 0.5)), 1) == 11);
}

BOOST_AUTO_TEST_CASE(the_most_confident_are_kept) {
  const Tensor logits = random_tensor({kSamples, 4, 6, kClasses}, 3, 2), drawn = drawn_codes();
  const std::vector<std::int32_t> next = next_of(unmask(codes_of(kAll), 0.5));
  for (std::int64_t n = 0; n < kSamples; ++n) {
    double least_kept = 0, most_masked = -1e9;
    for (std::int64_t i = n * kPositions; i < (n + 1) * kPositions; ++i) {
      const auto at = static_cast<std::size_t>(i);
      const float* row = logits.values().data() + i * kClasses;
      double total = 0;
      for (std::int64_t k = 0; k < kClasses; ++k) total += std::exp(static_cast<double>(row[k]));
      const std::int32_t code = drawn.values<std::int32_t>()[at];
      const double confidence = static_cast<double>(row[code]) - std::log(total);
      BOOST_TEST((next[at] == code || next[at] == kMasked));
      if (next[at] == kMasked)
        most_masked = std::max(most_masked, confidence);
      else
        least_kept = std::min(least_kept, confidence);
    }
    BOOST_TEST(least_kept > most_masked);
  }
}

BOOST_AUTO_TEST_CASE(known_codes_never_change) {
  std::vector<std::int32_t> codes = kAll;
  for (std::size_t i = 0; i < codes.size(); i += 3) codes[i] = static_cast<std::int32_t>(i % kClasses);
  for (const double temperature : {0.0, 4.5}) {
    const std::vector<std::int32_t> next = next_of(unmask(codes_of(codes), 0.6, temperature));
    for (std::size_t i = 0; i < next.size(); ++i)
      if (codes[i % kPositions] != kMasked) BOOST_TEST(next[i] == codes[i % kPositions]);
  }
  const std::vector<std::int32_t> none(kPositions, 1);
  BOOST_TEST(next_of(unmask(codes_of(none), 0.5)) == std::vector<std::int32_t>(kSamples * kPositions, 1));
}

// With much noise every position is kept equally often, with less the confident ones are; at the end noise has no part.
BOOST_AUTO_TEST_CASE(the_choice_temperature_makes_the_choice_random) {
  const auto kept = [](double temperature, double progress, std::uint64_t seed) {
    auto tester = unmask(codes_of(kAll), progress, temperature);
    const std::vector<std::int32_t> next = next_of(std::move(tester.seed(seed)));
    std::set<std::size_t> places;
    for (std::size_t i = 0; i < kPositions; ++i)
      if (next[i] != kMasked) places.insert(i);
    return places;
  };
  BOOST_TEST((kept(0, 0.3, 1) == kept(0, 0.3, 2)));
  BOOST_TEST((kept(4.5, 0.3, 1) != kept(4.5, 0.3, 2)));
  BOOST_TEST((kept(4.5, 0.3, 1) == kept(4.5, 0.3, 1)));
  std::vector<int> counts(kPositions, 0);
  constexpr int kRuns = 600;
  for (int seed = 0; seed < kRuns; ++seed)
    for (const std::size_t place : kept(1e6, 0.5, static_cast<std::uint64_t>(seed))) ++counts[place];
  const double share = 8.0 / kPositions, deviation = std::sqrt(kRuns * share * (1 - share));
  for (const int count : counts) BOOST_TEST(std::abs(count - kRuns * share) < 4.5 * deviation);
}

BOOST_AUTO_TEST_CASE(shards_change_nothing) {
  BOOST_TEST((next_of(unmask(codes_of(kAll), 0.4, 4.5)) == next_of(unmask(codes_of(kAll), 0.4, 4.5), 5)));
  expect_ok(unmask(codes_of(kAll), 0.4, 4.5).check_shards());
  expect_ok(unmask(codes_of(kAll), 0.4, 4.5).check_repeatable());
}

BOOST_AUTO_TEST_CASE(what_cannot_be) {
  auto wide = unmask(codes_of(kAll), 0.5);
  wide.input("progress", constant({kSamples, 2}, 0.5F));
  expect_error(wide, "progress is not one number");
  const auto fails = [](NodeTester tester, const std::string& text) {
    try {
      tester.run();
      BOOST_TEST(false, "expected: " << text);
    } catch (const loom::Error& error) {
      BOOST_TEST(std::string(error.what()).find(text) != std::string::npos, error.what());
    }
  };
  fails(unmask(codes_of(kAll), 1.5), "the progress of sample 0 is 1.5");
  fails(unmask(codes_of(std::vector<std::int32_t>(kPositions, 7)), 0.5), "the code 7, but the codes are 0 to 6");
  auto broken = unmask(codes_of(kAll), 0.5);
  broken.input("logits", constant({kSamples, 4, 6, kClasses}, std::numeric_limits<float>::quiet_NaN()));
  fails(std::move(broken), "logits");
}

BOOST_AUTO_TEST_SUITE_END()
