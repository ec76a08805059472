// Profiles: times by node and pass, parallel parts instead of the span that waits for them, and idle threads.
#include "run/profile.h"

#include <boost/test/unit_test.hpp>

using namespace loom;

namespace {

constexpr std::int64_t kMillisecond = 1000000;

const ProfileRow& row_of(const Profile& profile, const std::string& category) {
  const auto it = std::ranges::find(profile.rows, category, &ProfileRow::category);
  BOOST_REQUIRE(it != profile.rows.end());
  return *it;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(profile)

// Two steps of 10 ms on two threads: a forward of 4 ms on each thread, a reduction whose parts take 1 and 2 ms.
BOOST_AUTO_TEST_CASE(times_are_of_a_step_and_of_all_threads) {
  Trace trace;
  const Trace::Name* forward = trace.name("forward", "conv");
  const Trace::Name* reduce = trace.name("reduce");
  for (std::int64_t step = 0; step < 2; ++step) {
    const std::int64_t at = 10 * step * kMillisecond;
    for (int thread = 0; thread < 2; ++thread)
      trace.add({.name = forward, .thread = thread, .lane = thread, .begin = at, .end = at + 4 * kMillisecond});
    trace.add({.name = reduce, .thread = 0, .begin = at + 4 * kMillisecond, .end = at + 7 * kMillisecond});
    trace.add(
        {.name = reduce, .thread = 0, .is_part = true, .begin = at + 4 * kMillisecond, .end = at + 5 * kMillisecond});
    trace.add(
        {.name = reduce, .thread = 1, .is_part = true, .begin = at + 4 * kMillisecond, .end = at + 6 * kMillisecond});
  }
  const std::vector<StepWork> work = {{"forward", "conv", 8e6, 4e6, "direct"}, {"backward", "conv", 1, 1, "x"}};
  const Profile profile = Profile::of(trace, work, 20e-3, 2, 2);
  BOOST_REQUIRE(profile.rows.size() == 2U);
  BOOST_TEST(profile.rows.front().category == "forward");
  const ProfileRow& conv = row_of(profile, "forward");
  BOOST_TEST(conv.seconds == 8e-3, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(conv.calls == 2.0);
  BOOST_TEST(conv.flop == 8e6);
  BOOST_TEST(conv.implementation == "direct");
  BOOST_TEST(conv.share == 8.0 / 11, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(row_of(profile, "reduce").seconds == 3e-3, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(row_of(profile, "reduce").calls == 1.0);
  BOOST_TEST(profile.seconds == 10e-3, boost::test_tools::tolerance(1e-9));
  // Thread 0 is covered for 7 ms of 10, thread 1 for 6.
  BOOST_TEST(profile.idle == 0.35, boost::test_tools::tolerance(1e-9));
}

BOOST_AUTO_TEST_SUITE_END()
