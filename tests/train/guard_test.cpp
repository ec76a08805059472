// The guard against steps that would ruin a training.
#include "train/guard.h"

#include <boost/test/unit_test.hpp>

#include <limits>

#include "loom/error.h"

using namespace loom;

namespace {

TrainEntry entry(double spike_factor, std::int64_t skip_limit) {
  TrainEntry train;
  train.spike_factor = spike_factor;
  train.skip_limit = skip_limit;
  train.where = {"model.yaml", 3, 1};
  return train;
}

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
using Values = std::vector<double>;

}  // namespace

BOOST_AUTO_TEST_SUITE(guard)

BOOST_AUTO_TEST_CASE(what_is_not_finite_is_bad) {
  const Guard guard(entry(0, 3), 2);
  BOOST_TEST((guard.judge(Values{1, 2}, Values{1, -1}) == Guard::Verdict::good));
  BOOST_TEST((guard.judge(Values{1, kNan}, Values{1, 1}) == Guard::Verdict::not_finite));
  BOOST_TEST(
      (guard.judge(Values{1}, Values{1, std::numeric_limits<double>::infinity()}) == Guard::Verdict::not_finite));
  BOOST_TEST((guard.judge(Values{1}, Values{1e30, 1e30}) == Guard::Verdict::good));  // no spike factor
}

BOOST_AUTO_TEST_CASE(a_spike_is_measured_against_the_running_mean) {
  Guard guard(entry(10, 3), 1);
  for (int i = 0; i < 19; ++i) guard.accept(Values{2});
  BOOST_TEST((guard.judge(Values{}, Values{1000}) == Guard::Verdict::good));  // too early to know
  guard.accept(Values{2});
  BOOST_TEST(guard.state().norms[0].mean == 2.0);
  BOOST_TEST((guard.judge(Values{}, Values{20}) == Guard::Verdict::good));
  BOOST_TEST((guard.judge(Values{}, Values{20.1}) == Guard::Verdict::spike));
  BOOST_TEST((guard.judge(Values{}, Values{-1}) == Guard::Verdict::good));  // does not update in this step
}

BOOST_AUTO_TEST_CASE(too_many_in_a_row_end_the_training) {
  Guard guard(entry(0, 3), 1);
  guard.reject(Guard::Verdict::not_finite, 4, "loss 'kl' is nan");
  guard.reject(Guard::Verdict::not_finite, 5, "loss 'kl' is nan");
  guard.accept(Values{1});
  guard.reject(Guard::Verdict::not_finite, 7, "loss 'kl' is nan");
  guard.reject(Guard::Verdict::not_finite, 8, "loss 'kl' is nan");
  BOOST_TEST(guard.state().skipped == 4);
  BOOST_TEST(guard.state().in_row == 2);
  BOOST_CHECK_EXCEPTION(guard.reject(Guard::Verdict::not_finite, 9, "loss 'kl' is nan"), Error, [](const Error& error) {
    const std::string text = error.what();
    return error.code() == ErrorCode::not_finite && text.find("model.yaml:3:1") == 0 &&
           text.find("step 9: 3 steps in a row") != std::string::npos &&
           text.find("loss 'kl' is nan") != std::string::npos;
  });
}

BOOST_AUTO_TEST_CASE(a_restored_guard_goes_on_where_it_stood) {
  Guard one(entry(5, 3), 1);
  for (int i = 0; i < 30; ++i) one.accept(Values{1.0 + i});
  one.reject(Guard::Verdict::spike, 30, "");
  Guard two(entry(5, 3), 1);
  two.restore(one.state());
  BOOST_TEST(two.state().in_row == 1);
  BOOST_TEST(two.state().norms[0].mean == one.state().norms[0].mean);
  BOOST_TEST(two.state().norms[0].count == 30);
}

BOOST_AUTO_TEST_SUITE_END()
