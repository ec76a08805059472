#include "train/step_means.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

using namespace loom;

BOOST_AUTO_TEST_CASE(means_are_over_the_steps_that_were_applied) {
  StepMeans means(2);
  BOOST_TEST(std::isnan(means.loss()));
  BOOST_TEST(std::isnan(means.term(1)));
  BOOST_TEST(means.steps_per_second() == 0);
  const std::vector<double> first = {10, 1}, second = {20, 5}, bad = {std::nan(""), 7};
  means.add({.step = 1, .loss = 11, .terms = first});
  means.add({.step = 2, .loss = 25, .terms = second});
  means.add({.step = 3, .skipped = true, .loss = std::nan(""), .terms = bad});
  BOOST_TEST(means.loss() == 18);
  BOOST_TEST(means.term(0) == 15);
  BOOST_TEST(means.term(1) == 3);
  BOOST_TEST(means.steps() == 3);
  BOOST_TEST(means.applied() == 2);
  BOOST_TEST(means.steps_per_second() > 0);
  means.restart();
  BOOST_TEST(means.steps() == 0);
  BOOST_TEST(std::isnan(means.term(0)));
  means.add({.step = 4, .loss = 7, .terms = second});
  BOOST_TEST(means.loss() == 7);
  BOOST_TEST(means.term(0) == 20);
}
