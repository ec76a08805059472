#include "graph/noise_schedule.h"

#include <boost/test/unit_test.hpp>
#include <cmath>

using namespace loom;

BOOST_AUTO_TEST_SUITE(schedules_of_noise)

BOOST_AUTO_TEST_CASE(rates_are_derivatives) {
  for (const NoiseSchedule& schedule : noise_schedules()) {
    for (const double t : {0.1, 0.37, 0.8}) {
      constexpr double kHalf = 1e-6;
      const NoiseLevel here = schedule.at(t), before = schedule.at(t - kHalf), after = schedule.at(t + kHalf);
      BOOST_TEST(std::abs((after.alpha - before.alpha) / (2 * kHalf) - here.alpha_rate) < 1e-6, schedule.name);
      BOOST_TEST(std::abs((after.sigma - before.sigma) / (2 * kHalf) - here.sigma_rate) < 1e-6, schedule.name);
    }
  }
}

BOOST_AUTO_TEST_CASE(noise_grows_from_none) {
  for (const NoiseSchedule& schedule : noise_schedules()) {
    BOOST_TEST(schedule.at(0).alpha == 1);
    BOOST_TEST(schedule.at(0).sigma == 0);
    double ratio = 0;
    for (int i = 1; i < 100; ++i) {
      const NoiseLevel level = schedule.at(0.01 * i);
      BOOST_TEST(level.sigma / level.alpha > ratio, schedule.name);
      ratio = level.sigma / level.alpha;
    }
  }
  for (const char* kept : {"cosine", "linear"}) {  // these keep the variance of data of the variance 1
    const NoiseLevel level = noise_schedule(kept).at(0.3);
    BOOST_TEST(std::abs(level.alpha * level.alpha + level.sigma * level.sigma - 1) < 1e-12);
  }
  BOOST_TEST(noise_schedule("cosine").at(1).alpha == 0);
}

BOOST_AUTO_TEST_SUITE_END()
