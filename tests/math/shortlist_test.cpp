// Scores within bounds against plain loops, for lengths that fill no vector.
#include "math/shortlist.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace math = loom::math;

BOOST_AUTO_TEST_SUITE(shortlist)

// What may be the largest is on the list, and what cannot be is not.
BOOST_AUTO_TEST_CASE(lists_what_may_be_the_largest) {
  std::mt19937 generator(3);
  std::uniform_real_distribution<float> number(-1, 1), size(0, 2);
  const math::ScoreBound bound{0.01F, 0.003F};
  for (const std::int64_t n : {0, 1, 7, 16, 33, 1000}) {
    std::vector<float> scores(static_cast<std::size_t>(n)), sizes(scores.size());
    for (std::size_t i = 0; i < scores.size(); ++i) scores[i] = number(generator), sizes[i] = size(generator);
    if (n > 20) scores[13] = std::nanf("");
    float most = -std::numeric_limits<float>::infinity();
    const auto of = [&](std::size_t i) { return sizes[i] * (bound.relative + bound.square * sizes[i]); };
    for (std::size_t i = 0; i < scores.size(); ++i)
      most = std::max(most, std::isnan(scores[i]) ? most : scores[i] - of(i));
    const float least = math::least_maximum(scores.data(), sizes.data(), bound, n);
    BOOST_TEST((least == most || std::abs(least - most) <= 1e-6F * std::abs(most)), n);
    std::vector<std::int32_t> list(scores.size());
    list.resize(static_cast<std::size_t>(
        math::list_at_least(scores.data(), sizes.data(), bound, least - 1e-6F, n, list.data())));
    BOOST_TEST(std::ranges::is_sorted(list));
    for (std::size_t i = 0; i < scores.size(); ++i) {
      const bool listed = std::ranges::count(list, static_cast<std::int32_t>(i)) == 1;
      if (scores[i] + of(i) > most + 1e-5F) BOOST_TEST(listed);
      if (!(scores[i] + of(i) > most - 1e-5F)) BOOST_TEST(!listed);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
