// How a batch is divided: lanes and shards follow from the shapes alone.
#include "run/division.h"

#include <bit>

#include "support/toy_nodes.h"

using namespace loom;
using namespace loom::check;

namespace {

std::shared_ptr<const Graph> chain() {
  return toy_graph({entry("x", "input", {}, {{"shape", list({100})}}), entry("a", "scale", {"x"}),
                    entry("b", "scale", {"a"}), entry("loss", "loss", {"b"})});
}

Tape tape_of(const Graph& graph, bool training) {
  TapeRequest request;
  request.training = training;
  request.feeds = {{graph.find("x"), 0}};
  request.terms = {{graph.find("loss"), 0}};
  std::vector<std::string> parameters;
  for (const GraphNode& node : graph.nodes()) {
    for (const GraphParameter& parameter : node.parameters) parameters.push_back(parameter.path);
  }
  if (training) request.objectives = {{{{graph.find("loss"), 0}}, parameters}};
  return record_tape(graph, request);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(division)

BOOST_AUTO_TEST_CASE(lanes_are_a_power_of_two_and_at_most_the_batch) {
  const auto graph = chain();
  for (const bool training : {true, false}) {
    const Tape tape = tape_of(*graph, training);
    int last = 1;
    for (const std::int64_t batch : {1, 2, 3, 7, 64, 100, 4096, 1000000}) {
      const int lanes = choose_lanes(*graph, tape, batch);
      BOOST_TEST(std::has_single_bit(static_cast<unsigned>(lanes)));
      BOOST_TEST(lanes <= std::min<std::int64_t>(64, batch));
      BOOST_TEST(lanes >= std::min<std::int64_t>(2, batch));
      BOOST_TEST(lanes >= last);
      last = lanes;
    }
  }
}

BOOST_AUTO_TEST_CASE(shards_fit_the_cache_and_every_lane_gets_as_many) {
  const auto graph = chain();
  const Tape tape = tape_of(*graph, true);
  for (const std::int64_t batch : {1, 7, 64, 100, 1024}) {
    for (const int lanes : {1, 2, 3, 64}) {
      const std::int64_t shard = choose_shard(*graph, tape, true, batch, lanes);
      BOOST_TEST(shard >= 1);
      BOOST_TEST(shard <= batch);
      const std::int64_t shards = (batch + shard - 1) / shard;
      if (batch >= lanes) BOOST_TEST(shards >= lanes / 2);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
