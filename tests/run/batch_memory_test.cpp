// Memory that crosses stages: what is needed at the same time does not overlap, and what is not shares a place.
#include "run/batch_memory.h"

#include <boost/test/unit_test.hpp>

#include <random>

using namespace loom;

namespace {

PlannedBlock block(std::size_t bytes, int first, int last) {
  PlannedBlock b;
  b.storage = Storage::batch;
  b.bytes = bytes;
  b.first_stage = first;
  b.last_stage = last;
  return b;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(batch_memory)

BOOST_AUTO_TEST_CASE(blocks_of_different_stages_share_a_place) {
  Plan plan;
  plan.values = {block(640, 0, 1), block(640, 2, 3), block(640, 1, 2)};
  BatchMemory memory;
  memory.place(plan, 10, 4);
  BOOST_TEST(memory.value(0) == memory.value(1));
  BOOST_TEST(memory.value(2) != memory.value(0));
  BOOST_TEST(memory.bytes() == 2U * 6400);
}

BOOST_AUTO_TEST_CASE(saved_memory_has_a_block_for_each_shard) {
  Plan plan;
  plan.values = {PlannedBlock{}};
  plan.whole_batch = {false, true};
  plan.saved = {block(64, 0, 2), block(64, 1, 1)};
  BatchMemory memory;
  memory.place(plan, 10, 4);
  BOOST_TEST(memory.value(0) == nullptr);
  BOOST_TEST(memory.bytes() == 64U * 4);  // three shards, and one block of the whole batch
  BOOST_TEST(memory.saved(0) != memory.saved(1));
}

BOOST_AUTO_TEST_CASE(random_blocks_do_not_overlap_while_they_are_needed) {
  std::mt19937 generator(9);
  const auto between = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(generator); };
  for (int round = 0; round < 50; ++round) {
    Plan plan;
    std::size_t all = 0;
    for (int i = 0; i < 40; ++i) {
      const int first = between(0, 9);
      plan.values.push_back(block(static_cast<std::size_t>(between(1, 500)), first, between(first, 9)));
      plan.values.back().per_sample = between(0, 3) > 0;
      all += plan.values.back().bytes * 7;
    }
    BatchMemory memory;
    memory.place(plan, 7, 3);
    for (std::size_t a = 0; a < plan.values.size(); ++a)
      for (std::size_t b = 0; b < a; ++b) {
        const PlannedBlock &x = plan.values[a], &y = plan.values[b];
        if (x.first_stage > y.last_stage || y.first_stage > x.last_stage) continue;
        const auto bytes = [](const PlannedBlock& p) { return p.bytes * (p.per_sample ? 7 : 1); };
        BOOST_TEST((memory.value(a) >= memory.value(b) + bytes(y) || memory.value(b) >= memory.value(a) + bytes(x)));
      }
    BOOST_TEST(memory.bytes() < all);
  }
}

BOOST_AUTO_TEST_SUITE_END()
