// The lanes' sums are added as a fixed balanced tree, whatever the number of threads.
#include "run/reduce.h"

#include <bit>
#include <boost/test/unit_test.hpp>
#include <cstring>

#include "loom/random.h"

using namespace loom;

namespace {

std::vector<std::vector<float>> parts_of(std::size_t lanes, std::size_t count) {
  std::vector<std::vector<float>> parts(lanes, std::vector<float>(count));
  for (std::size_t lane = 0; lane < lanes; ++lane)
    RandomStream(3, 5, 7).normal(static_cast<std::uint32_t>(lane), parts[lane]);
  return parts;
}

// Element i of the sum of the lanes [first, first + count), of those that there are.
float tree_sum(const std::vector<std::vector<float>>& parts, std::size_t i, std::size_t first, std::size_t count) {
  if (count == 1) return parts[first][i];
  const float left = tree_sum(parts, i, first, count / 2);
  return first + count / 2 < parts.size() ? left + tree_sum(parts, i, first + count / 2, count / 2) : left;
}

std::vector<float> reduced(std::vector<std::vector<float>> parts, int threads) {
  Executor executor(threads);
  const std::vector<std::span<float>> spans(parts.begin(), parts.end());
  executor.run([&] { reduce_lanes(executor, spans); });
  return parts.front();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(reduce)

BOOST_AUTO_TEST_CASE(lanes_are_added_as_a_balanced_tree) {
  for (const std::size_t lanes : {1, 2, 3, 4, 6, 8, 64}) {
    const auto parts = parts_of(lanes, 50001);  // several chunks, the last of them short
    std::vector<float> expected(parts[0].size());
    for (std::size_t i = 0; i < expected.size(); ++i) expected[i] = tree_sum(parts, i, 0, std::bit_ceil(lanes));
    for (const int threads : {1, 2, 4}) {
      const std::vector<float> got = reduced(parts, threads);
      BOOST_TEST(std::memcmp(got.data(), expected.data(), got.size() * sizeof(float)) == 0,
                 lanes << " lanes, " << threads << " threads");
    }
  }
}

// A process that owns a quarter of the lanes can add them by itself.
BOOST_AUTO_TEST_CASE(subtrees_are_sums_of_their_own) {
  const auto parts = parts_of(8, 1000);
  std::vector<std::vector<float>> quarters;
  for (std::size_t q = 0; q < 4; ++q) quarters.push_back(reduced({parts[2 * q], parts[2 * q + 1]}, 1));
  BOOST_TEST(reduced(quarters, 1) == reduced(parts, 1));
}

BOOST_AUTO_TEST_CASE(nothing_to_add) {
  Executor executor(2);
  executor.run([&] { reduce_lanes(executor, {}); });
  BOOST_TEST(reduced(parts_of(4, 0), 2).empty());
}

BOOST_AUTO_TEST_SUITE_END()
