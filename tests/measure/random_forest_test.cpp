// The forest that DCI asks for importances.
#include "measure/random_forest.h"

#include <boost/test/unit_test.hpp>

#include <numeric>

#include "loom/random.h"

using namespace loom;
using namespace loom::measure;

namespace {

struct Items {
  std::vector<std::vector<float>> features{3, std::vector<float>(2000)};
  std::vector<std::int32_t> classes;
  std::vector<std::uint32_t> known = std::vector<std::uint32_t>(1000);
  explicit Items(const std::function<std::int32_t(float, float)>& rule) {
    for (std::uint32_t d = 0; d < 3; ++d) RandomStream(4, 1, 0).uniform(d, features[d]);
    for (std::size_t n = 0; n < 2000; ++n) classes.push_back(rule(features[0][n], features[2][n]));
    std::iota(known.begin(), known.end(), 0U);
  }
  double accuracy(const Forest& forest) const {
    int right = 0;
    for (std::size_t n = 1000; n < 2000; ++n) right += forest.predict(features, n) == classes[n] ? 1 : 0;
    return right / 1000.0;
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(forest_of_trees)

BOOST_AUTO_TEST_CASE(a_threshold_is_found_by_its_feature_alone) {
  const Items items([](float a, float) { return a > 0.3F ? 1 : 0; });
  const Forest forest(items.features, items.classes, 2, items.known, {});
  BOOST_TEST(items.accuracy(forest) > 0.99);
  BOOST_TEST(forest.importance()[0] > 0.99);
}

BOOST_AUTO_TEST_CASE(stripes_need_many_splits_and_a_square_two_features) {
  const Items stripes([](float a, float) { return static_cast<std::int32_t>(a * 16) % 4; });
  const Forest striped(stripes.features, stripes.classes, 4, stripes.known, {});
  BOOST_TEST(stripes.accuracy(striped) > 0.9);
  const Items square([](float a, float b) { return a > 0.5F && b > 0.5F ? 1 : 0; });
  const Forest squared(square.features, square.classes, 2, square.known, {});
  BOOST_TEST(square.accuracy(squared) > 0.98);
  BOOST_TEST(squared.importance()[1] < 0.05);
  BOOST_TEST(squared.importance()[0] > 0.3);
  BOOST_TEST(squared.importance()[2] > 0.3);
  BOOST_TEST(std::abs(squared.importance()[0] + squared.importance()[1] + squared.importance()[2] - 1) < 1e-12);
}

BOOST_AUTO_TEST_CASE(a_single_class_needs_no_split_and_depth_is_kept) {
  const Items one([](float, float) { return 0; });
  const Forest forest(one.features, one.classes, 1, one.known, {});
  BOOST_TEST(one.accuracy(forest) == 1.0);
  BOOST_TEST(forest.importance()[0] == 0.0);
  const Items quarters([](float a, float) { return static_cast<std::int32_t>(a * 4); });
  const Forest stump(quarters.features, quarters.classes, 4, quarters.known, {.trees = 1, .depth = 1});
  BOOST_TEST(quarters.accuracy(stump) < 0.6);
}

BOOST_AUTO_TEST_SUITE_END()
