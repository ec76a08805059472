// A warmed-up step allocates nothing.
#include "run/program.h"

#include <atomic>
#include <thread>

#include "runner/allocation_counter.h"
#include "support/toy_nodes.h"

using namespace loom;
using namespace loom::check;
using loom::runner::first_own_allocation;
using loom::runner::process_allocation_counter;

BOOST_AUTO_TEST_SUITE(allocation)

BOOST_AUTO_TEST_CASE(the_counter_counts) {
  for (AllocationCounter* counter : {process_allocation_counter(), loom::runner::allocation_counter()}) {
    BOOST_REQUIRE(counter != nullptr);
    counter->start();
    auto memory = std::make_unique<std::vector<int>>(100);
    BOOST_TEST(memory->size() == 100);
    BOOST_TEST(counter->stop().own >= 2);
  }
  BOOST_TEST(first_own_allocation() != std::string());
}

// One counts every thread, the other its own alone.
BOOST_AUTO_TEST_CASE(another_thread_counts_for_the_process) {
  std::atomic<bool> go = false;
  std::thread other([&] {
    while (!go) std::this_thread::yield();
    const auto memory = std::make_unique<std::vector<int>>(100);
    BOOST_TEST(memory->size() == 100);
  });
  process_allocation_counter()->start();
  loom::runner::allocation_counter()->start();
  go = true;
  other.join();
  const std::int64_t own = loom::runner::allocation_counter()->stop().own;
  const std::int64_t all = process_allocation_counter()->stop().own;
  BOOST_TEST(own == 0);
  BOOST_TEST(all >= 2);
}

BOOST_AUTO_TEST_CASE(a_warm_program_step_allocates_nothing) {
  const auto graph = toy_graph({entry("x", "input", {}, {{"shape", list({6})}}), entry("a", "scale", {"x"}),
                                entry("b", "scale", {"a"}), entry("s", "add", {"a", "b", "b"}),
                                entry("c", "center", {"s"}), entry("d", "noise", {"c"}), entry("loss", "loss", {"d"})});
  ParameterStore store(*graph, 1);
  Executor executor(2);
  ProgramRequest request;
  request.training = true;
  request.feeds = {{graph->find("x"), 0}};
  request.terms = {{graph->find("loss"), 0}};
  request.objectives = {{{0}, {0, 1}}};
  request.batch = 64;
  request.shard = 4;
  Program program(graph, store, executor, request);
  Tensor x(DType::f32, {64, 6});
  const std::vector<TensorView> feeds = {x.view()};
  const std::vector<std::vector<double>> weights = {{1.0}};
  const StepInput input{.feeds = feeds, .weights = weights, .samples = 64, .seed = 5, .step = 9};
  for (int i = 0; i < 200; ++i) program.run(input);
  std::int64_t total = 0;
  process_allocation_counter()->start();
  for (int i = 0; i < 100; ++i) program.run(input);
  total = process_allocation_counter()->stop().own;
  BOOST_TEST(total == 0, total << " allocations in 100 steps, the first:\n" << first_own_allocation());
}

BOOST_AUTO_TEST_SUITE_END()
