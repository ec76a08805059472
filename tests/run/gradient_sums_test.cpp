// Gradients of lanes: those of different stages share memory in all lanes but the first, and their sums are the same.
#include "run/gradient_sums.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <random>

#include "loom/math.h"

using namespace loom;

namespace {

struct Stages {
  Tape tape;
  Plan plan;
  explicit Stages(int count) { plan.stages.resize(static_cast<std::size_t>(count)); }
  void add_step(int stage, std::vector<int> slots) {
    TapeStep step;
    step.gradient_slots = std::move(slots);
    plan.stages[static_cast<std::size_t>(stage)].push_back(static_cast<int>(tape.steps.size()));
    tape.steps.push_back(std::move(step));
    plan.stage.push_back(stage);
  }
};

float value_of(int lane, int slot, int stage) { return static_cast<float>(1 + lane + 10 * slot + 1000 * stage); }

// The sums of squares are those that a pass over the sum gives, bit for bit.
bool has_squares(const GradientSums& sums, int slot, std::int64_t count) {
  std::vector<double> expected;
  for (std::int64_t first = 0; first < count; first += kSquares)
    expected.push_back(math::sum_of_squares(sums.at(0, slot) + first, std::min(kSquares, count - first)));
  return std::ranges::equal(sums.squares(slot), expected);
}

// What a step does: each lane adds to the slots of each stage's steps. Returns whether lane 0 has all sums in the end.
bool gives_the_sums(const Stages& stages, GradientSums& sums, Executor& executor,
                    const std::vector<std::int64_t>& counts, int lanes) {
  std::vector<float> expected(counts.size(), 0.0F);
  executor.run([&] {
    sums.begin();
    for (std::size_t stage = 0; stage < stages.plan.stages.size(); ++stage) {
      for (const int step : stages.plan.stages[stage]) {
        for (const int slot : stages.tape.steps[static_cast<std::size_t>(step)].gradient_slots) {
          for (int lane = 0; slot >= 0 && lane < lanes; ++lane) {
            const float value = value_of(lane, slot, static_cast<int>(stage));
            float* at = sums.open(lane, slot).values;
            for (std::int64_t i = 0; i < counts[static_cast<std::size_t>(slot)]; ++i) at[i] += value;
            expected[static_cast<std::size_t>(slot)] += value;
          }
        }
      }
      if (sums.ends_after(stage)) sums.add(executor, stage);
    }
  });
  for (std::size_t slot = 0; slot < counts.size(); ++slot) {
    const float* at = sums.at(0, static_cast<int>(slot));
    if (!has_squares(sums, static_cast<int>(slot), counts[slot])) return false;
    if (!std::all_of(at, at + counts[slot], [&](float value) { return value == expected[slot]; })) return false;
  }
  return true;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(gradient_sums)

BOOST_AUTO_TEST_CASE(slots_of_different_stages_share_a_place_in_all_lanes_but_the_first) {
  Stages stages(5);
  stages.add_step(0, {2});
  stages.add_step(2, {1, -1});
  stages.add_step(4, {0});
  GradientSums sums;
  const std::vector<std::int64_t> counts = {160, 160, 32};
  sums.place(stages.tape, stages.plan, counts, 3);
  BOOST_TEST(sums.bytes() == (160 + 160 + 32 + 2 * 160) * sizeof(float));
  BOOST_TEST(sums.at(1, 0) == sums.at(1, 1));
  BOOST_TEST(sums.at(0, 0) != sums.at(0, 1));
  BOOST_TEST(sums.at(2, 0) != sums.at(1, 0));
  Executor executor(2);
  for (int step = 0; step < 3; ++step) BOOST_TEST(gives_the_sums(stages, sums, executor, counts, 3));
}

// Weights that several parts of a graph share are added to in many stages.
BOOST_AUTO_TEST_CASE(one_slot_of_all_stages_does_not_keep_the_others_apart) {
  Stages stages(5);
  stages.add_step(0, {0, 1});
  stages.add_step(2, {0, 2});
  stages.add_step(4, {0, 3});
  GradientSums sums;
  const std::vector<std::int64_t> counts = {32, 160, 160, 160};
  sums.place(stages.tape, stages.plan, counts, 2);
  BOOST_TEST(sums.bytes() == (32 + 3 * 160 + 32 + 160) * sizeof(float));
  Executor executor(2);
  for (int step = 0; step < 2; ++step) BOOST_TEST(gives_the_sums(stages, sums, executor, counts, 2));
}

BOOST_AUTO_TEST_CASE(one_stage_needs_all_at_once) {
  Stages stages(1);
  stages.add_step(0, {0, 1});
  stages.add_step(0, {1});
  GradientSums sums;
  const std::vector<std::int64_t> counts = {5, 20, 3};  // nothing adds to the last one
  sums.place(stages.tape, stages.plan, counts, 2);
  BOOST_TEST(sums.bytes() == 2 * (16 + 32 + 16) * sizeof(float));
  Executor executor(1);
  for (int step = 0; step < 2; ++step) BOOST_TEST(gives_the_sums(stages, sums, executor, counts, 2));
}

BOOST_AUTO_TEST_CASE(random_stages_give_the_sums_of_all_lanes) {
  std::mt19937 generator(4);
  const auto between = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(generator); };
  Executor executor(2);
  for (int round = 0; round < 30; ++round) {
    const int count = between(1, 9), lanes = between(1, 5);
    Stages stages(between(1, 7));
    std::vector<std::int64_t> counts;
    for (int slot = 0; slot < 12; ++slot) counts.push_back(between(1, 400));
    for (int step = 0; step < count * 3; ++step)
      stages.add_step(between(0, static_cast<int>(stages.plan.stages.size()) - 1), {between(0, 11), between(-1, 11)});
    GradientSums sums;
    sums.place(stages.tape, stages.plan, counts, lanes);
    for (int step = 0; step < 2; ++step)
      BOOST_TEST(gives_the_sums(stages, sums, executor, counts, lanes), "round " << round);
  }
}

BOOST_AUTO_TEST_CASE(squares_of_large_gradients) {
  Stages stages(1);
  stages.add_step(0, {0, 1});
  for (const int lanes : {1, 2, 5}) {
    GradientSums sums;
    const std::vector<std::int64_t> counts = {3 * kSquares + 777, kSquares};
    sums.place(stages.tape, stages.plan, counts, lanes);
    for (const int threads : {1, 3}) {
      Executor executor(threads);
      BOOST_TEST(gives_the_sums(stages, sums, executor, counts, lanes), lanes << " lanes");
    }
    BOOST_TEST(sums.squares(0).size() == 4U);
    BOOST_TEST(sums.squares(1).size() == 1U);
  }
}

// A step that failed, or the one before: none of it is seen, in no lane, whether the slot is opened again or not.
BOOST_AUTO_TEST_CASE(nothing_is_left_of_an_earlier_step) {
  for (const int lanes : {1, 2, 3}) {
    Stages stages(3);
    stages.add_step(0, {0});
    stages.add_step(2, {1});
    GradientSums sums;
    const std::vector<std::int64_t> counts = {64, 64, 5};  // nothing adds to the last one
    sums.place(stages.tape, stages.plan, counts, lanes);
    Executor executor(1);
    for (int lane = 0; lane < lanes; ++lane) {
      for (int slot = 0; slot < 3; ++slot)
        std::fill_n(sums.open(lane, slot).values, counts[static_cast<std::size_t>(slot)], 7.0F);
    }
    BOOST_TEST(gives_the_sums(stages, sums, executor, counts, lanes), lanes << " lanes");
  }
}

// A short batch leaves the last lanes without a shard.
BOOST_AUTO_TEST_CASE(lanes_without_a_shard_add_nothing) {
  Stages stages(1);
  stages.add_step(0, {0, 1});
  GradientSums sums;
  const std::vector<std::int64_t> counts = {40, 3};
  sums.place(stages.tape, stages.plan, counts, 4);
  Executor executor(2);
  for (int round = 0; round < 2; ++round) {
    for (int lane = 1; lane < 4; ++lane) std::fill_n(sums.at(lane, 0), 40, 5.0F);
    executor.run([&] {
      sums.begin();
      std::fill_n(sums.open(0, 0).values, 40, 2.0F);
      std::fill_n(sums.open(1, 1).values, 3, 3.0F);
      sums.add(executor, 0);
    });
    BOOST_TEST(std::all_of(sums.at(0, 0), sums.at(0, 0) + 40, [](float value) { return value == 2; }));
    BOOST_TEST(std::all_of(sums.at(0, 1), sums.at(0, 1) + 3, [](float value) { return value == 3; }));
  }
}

// Only the first step of a lane overwrites, and what it leaves alone is not cleared.
BOOST_AUTO_TEST_CASE(the_first_step_of_a_lane_may_overwrite) {
  Stages stages(1);
  stages.add_step(0, {0});
  GradientSums sums;
  const std::vector<std::int64_t> counts = {3};
  sums.place(stages.tape, stages.plan, counts, 2);
  for (int step = 0; step < 2; ++step) {
    for (int lane = 0; lane < 2; ++lane) std::fill_n(sums.at(lane, 0), 3, 9.0F);
    sums.begin();
    for (int lane = 0; lane < 2; ++lane) {
      const GradientSums::Opened first = sums.open(lane, 0, true);
      BOOST_TEST(first.is_first);
      BOOST_TEST(first.values[2] == 9);
      for (const bool overwrites : {true, false}) {
        const GradientSums::Opened next = sums.open(lane, 0, overwrites);
        BOOST_TEST(!next.is_first);
        BOOST_TEST(next.values[2] == 9);
      }
    }
    sums.begin();
    const GradientSums::Opened cleared = sums.open(1, 0, false);
    BOOST_TEST(!cleared.is_first);
    BOOST_TEST(cleared.values[2] == 0);
    BOOST_TEST(!sums.open(1, 0, true).is_first);
  }
}

// The first call decides: a program that lays its memory out again keeps its sums.
BOOST_AUTO_TEST_CASE(sums_are_placed_once) {
  Stages stages(1);
  stages.add_step(0, {0});
  GradientSums sums;
  const std::vector<std::int64_t> counts = {10};
  sums.place(stages.tape, stages.plan, counts, 2);
  const float* at = sums.at(1, 0);
  sums.place(stages.tape, stages.plan, counts, 2);
  BOOST_TEST(sums.at(1, 0) == at);
}

BOOST_AUTO_TEST_SUITE_END()
