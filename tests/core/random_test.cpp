// Counter-based draws: reproducible, independent of order, with the moments they should have.
#include "loom/random.h"

#include <cmath>
#include <set>

using namespace loom;

BOOST_AUTO_TEST_SUITE(random_stream)

BOOST_AUTO_TEST_CASE(a_draw_is_a_function_of_its_counter) {
  const RandomStream stream(1, stream_of("z"), 3);
  std::vector<float> a(10), b(10), longer(40);
  stream.normal(5, a);
  stream.normal(6, b);
  stream.normal(5, longer);
  BOOST_TEST(a != b);
  BOOST_TEST(std::equal(a.begin(), a.end(), longer.begin()));  // a prefix does not depend on the length
  stream.normal(5, b);
  BOOST_TEST(a == b);
  for (const RandomStream& other : {RandomStream(2, stream_of("z"), 3), RandomStream(1, stream_of("y"), 3),
                                    RandomStream(1, stream_of("z"), 4), RandomStream(1ULL << 40, stream_of("z"), 3)}) {
    other.normal(5, b);
    BOOST_TEST(a != b);
  }
  stream.normal(5, b, 1);
  BOOST_TEST(a != b);
}

BOOST_AUTO_TEST_CASE(moments) {
  std::vector<float> values(200000);
  const RandomStream stream(9, 1, 0);
  stream.normal(0, values);
  double mean = 0, square = 0, fourth = 0;
  for (float v : values) {
    mean += v;
    square += v * v;
    fourth += std::pow(v, 4);
  }
  const auto n = static_cast<double>(values.size());
  BOOST_TEST(std::abs(mean / n) < 0.01);
  BOOST_TEST(std::abs(square / n - 1) < 0.015);
  BOOST_TEST(std::abs(fourth / n - 3) < 0.1);
  stream.uniform(0, values);
  mean = 0;
  for (float v : values) {
    BOOST_REQUIRE(v >= 0);
    BOOST_REQUIRE(v < 1);
    mean += v;
  }
  BOOST_TEST(std::abs(mean / n - 0.5) < 0.005);
}

BOOST_AUTO_TEST_CASE(permuted_index_is_a_permutation) {
  for (std::uint64_t count : {1, 2, 3, 5, 64, 100, 1000}) {
    std::set<std::uint64_t> seen;
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t image = permuted_index(i, count, 42);
      BOOST_REQUIRE(image < count);
      seen.insert(image);
    }
    BOOST_TEST(seen.size() == count);
  }
  std::size_t moved = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) moved += permuted_index(i, 1000, 1) != permuted_index(i, 1000, 2) ? 1 : 0;
  BOOST_TEST(moved > 900);
}

BOOST_AUTO_TEST_SUITE_END()
