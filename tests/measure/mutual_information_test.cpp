// The mutual information of data and latent variable against cases with a closed form.
#include "measure/mutual_information.h"

#include <boost/test/unit_test.hpp>

#include "measure/support.h"

using namespace loom;
using namespace loom::check;
using namespace loom::measure;

namespace {

Tensor filled(std::int64_t rows, std::int64_t width, float value) {
  Tensor values(DType::f32, {rows, width});
  std::ranges::fill(values.values(), value);
  return values;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mutual_information_of_posteriors)

BOOST_AUTO_TEST_CASE(equal_posteriors_know_nothing) {
  Executor executor(2);
  BOOST_TEST(std::abs(mutual_information(filled(200, 3, 0.4F), filled(200, 3, -1), 1, executor)) < 1e-5);
}

BOOST_AUTO_TEST_CASE(posteriors_far_apart_tell_every_item) {
  Executor executor(2);
  Tensor mu(DType::f32, {500, 1});
  for (std::int64_t n = 0; n < 500; ++n) mu.view()[n][0] = 100 * static_cast<float>(n);
  BOOST_TEST(std::abs(mutual_information(mu, filled(500, 1, 0), 1, executor) - std::log(500.0)) < 1e-5);
}

// mu ~ N(0, s^2), variance v: z is N(0, s^2 + v), and I = 1/2 ln(1 + s^2 / v) in each dimension.
BOOST_AUTO_TEST_CASE(a_gaussian_channel) {
  Executor executor(2);
  const float s = 1.5F, log_variance = -0.5F;
  const double expected = 2 * 0.5 * std::log(1 + 2.25 / std::exp(-0.5));
  const double got = mutual_information(noise(4000, 2, 7, s), filled(4000, 2, log_variance), 3, executor);
  BOOST_TEST(std::abs(got - expected) < 0.06, got << " and " << expected);
}

BOOST_AUTO_TEST_CASE(threads_change_no_bit_and_the_seed_does) {
  Executor one(1), four(4);
  const Tensor mu = noise(300, 4, 1), logvar = noise(300, 4, 2, 0.3F);
  const double first = mutual_information(mu, logvar, 5, one);
  BOOST_TEST(first == mutual_information(mu, logvar, 5, four));
  BOOST_TEST(first != mutual_information(mu, logvar, 6, one));
}

BOOST_AUTO_TEST_CASE(the_work_is_bounded) {
  BOOST_TEST(affordable_posteriors(10, 2e8, 1000) == 1000);
  BOOST_TEST(affordable_posteriors(20000, 2e8, 1000) == 100);
  BOOST_TEST(affordable_posteriors(1000000000, 2e8, 1000) == 2);
}

BOOST_AUTO_TEST_SUITE_END()
