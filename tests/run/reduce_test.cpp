// The lanes' sums are added lane by lane in order, whatever the number of threads.
#include "run/reduce.h"

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

std::vector<float> reduced(std::vector<std::vector<float>> parts, int threads) {
  Executor executor(threads);
  const std::vector<std::span<float>> spans(parts.begin(), parts.end());
  executor.run([&] { reduce_lanes(executor, spans); });
  return parts.front();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(reduce)

BOOST_AUTO_TEST_CASE(lanes_are_added_in_order) {
  for (const std::size_t lanes : {1, 2, 3, 8}) {
    const auto parts = parts_of(lanes, 50001);  // several chunks, the last of them short
    std::vector<float> expected = parts[0];
    for (std::size_t lane = 1; lane < lanes; ++lane) {
      for (std::size_t i = 0; i < expected.size(); ++i) expected[i] += parts[lane][i];
    }
    for (const int threads : {1, 2, 4}) {
      const std::vector<float> got = reduced(parts, threads);
      BOOST_TEST(std::memcmp(got.data(), expected.data(), got.size() * sizeof(float)) == 0,
                 lanes << " lanes, " << threads << " threads");
    }
  }
}

BOOST_AUTO_TEST_CASE(nothing_to_add) {
  Executor executor(2);
  executor.run([&] { reduce_lanes(executor, {}); });
  BOOST_TEST(reduced(parts_of(4, 0), 2).empty());
}

BOOST_AUTO_TEST_SUITE_END()
