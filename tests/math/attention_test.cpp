// The arithmetic of attention against its formulas in double precision.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "loom/math.h"
#include "loom/random.h"
#include "math/attention.h"

using namespace loom;

namespace {

std::vector<float> normal(std::size_t count, std::uint64_t seed, float scale = 1) {
  std::vector<float> values(count);
  RandomStream(seed, 1, 0).normal(0, values);
  for (float& value : values) value *= scale;
  return values;
}

double wide(float x) { return static_cast<double>(x); }

}  // namespace

BOOST_AUTO_TEST_SUITE(vector_math_attention)

BOOST_AUTO_TEST_CASE(a_softmax_in_pieces) {
  for (const std::size_t piece : {1, 5, 16, 37, 128}) {
    const std::vector<float> x = normal(300, 1, 20);
    std::vector<float> weights = x, corrections;
    float maximum = -std::numeric_limits<float>::infinity(), sum = 0;
    for (std::size_t i = 0; i < x.size(); i += piece) {
      const std::size_t count = std::min(piece, x.size() - i);
      const float correction =
          math::online_softmax(0.5F, weights.data() + i, static_cast<std::int64_t>(count), maximum, sum);
      for (std::size_t k = 0; k < i; ++k) weights[k] *= correction;
    }
    double total = 0;
    const double most = 0.5 * wide(*std::max_element(x.begin(), x.end()));
    for (const float v : x) total += std::exp(0.5 * wide(v) - most);
    BOOST_TEST(wide(maximum) == most);
    BOOST_TEST(std::abs(wide(sum) - total) < 1e-5 * total);
    for (std::size_t k = 0; k < x.size(); ++k)
      BOOST_TEST(std::abs(wide(weights[k]) - std::exp(0.5 * wide(x[k]) - most)) < 2e-6);
  }
}

BOOST_AUTO_TEST_CASE(a_softmax_carries_what_is_no_number) {
  float maximum = -std::numeric_limits<float>::infinity(), sum = 0;
  std::vector<float> x(20, 1.0F);
  x[17] = NAN;
  math::online_softmax(1, x.data(), 20, maximum, sum);
  BOOST_TEST(std::isnan(sum));
}

BOOST_AUTO_TEST_CASE(gradient_by_the_scores) {
  for (const std::size_t count : {1, 16, 45}) {
    const std::vector<float> scores = normal(count, 1), above = normal(count, 2);
    std::vector<float> weights = scores, diff = above;
    math::attention_gradient(0.7F, 1.5F, 0.3F, weights.data(), diff.data(), static_cast<std::int64_t>(count));
    for (std::size_t i = 0; i < count; ++i) {
      const double weight = std::exp(wide(0.7F) * wide(scores[i]) - 1.5);
      BOOST_TEST(std::abs(wide(weights[i]) - weight) < 1e-6 * (1 + weight));
      BOOST_TEST(std::abs(wide(diff[i]) - 0.7 * weight * (wide(above[i]) - 0.3)) < 1e-5 * (1 + weight));
    }
  }
}

BOOST_AUTO_TEST_CASE(one_query_of_each_head_against_all_keys) {
  constexpr std::size_t kHeads = 3, kStride = 12;
  for (const std::size_t dim : {1, 8, 16, 35}) {
    for (const std::size_t positions : {0, 1, 4, 11}) {
      const std::vector<float> query = normal(kHeads * dim, 1), keys = normal(positions * kHeads * dim + 1, 2);
      std::vector<float> scores(kHeads * kStride, 7), out(kHeads * dim, 7);
      const auto signed_of = [](std::size_t n) { return static_cast<std::int64_t>(n); };
      math::head_dots(0.5F, query.data(), keys.data(), kHeads, signed_of(dim), signed_of(positions), scores.data(),
                      kStride);
      math::head_sums(scores.data(), kStride, keys.data(), kHeads, signed_of(dim), signed_of(positions), out.data());
      for (std::size_t h = 0; h < kHeads; ++h) {
        std::vector<double> sums(dim, 0.0);
        for (std::size_t j = 0; j < positions; ++j) {
          double dot = 0;
          for (std::size_t c = 0; c < dim; ++c)
            dot += wide(query[h * dim + c]) * wide(keys[(j * kHeads + h) * dim + c]);
          BOOST_TEST(std::abs(wide(scores[h * kStride + j]) - 0.5 * dot) < 1e-5);
          for (std::size_t c = 0; c < dim; ++c) sums[c] += 0.5 * dot * wide(keys[(j * kHeads + h) * dim + c]);
        }
        for (std::size_t j = positions; j < kStride; ++j) BOOST_TEST(scores[h * kStride + j] == 7);
        for (std::size_t c = 0; c < dim; ++c) BOOST_TEST(std::abs(wide(out[h * dim + c]) - sums[c]) < 1e-4);
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
