// Sums over the batch, and what is computed again in place of being kept for the batch.
#include <cstring>

#include "loom/check.h"
#include "run/plan.h"
#include "run/program.h"
#include "run/recompute.h"
#include "support/toy_nodes.h"

using namespace loom;
using namespace loom::check;

namespace {

// x -> scale -> center -> square (in another shape) -> scale -> center -> square -> scale -> loss
std::vector<NodeEntry> two_blocks(const std::string& center, const std::string& square) {
  return {entry("x", "input", {}, {{"shape", list({6})}}),
          entry("a", "scale", {"x"}),
          entry("c", center, {"a"}),
          entry("s", square, {"c"}),
          entry("flat", "reshape", {"s"}, {{"shape", list({2, 3})}}),
          entry("b", "scale", {"flat"}),
          entry("back", "reshape", {"b"}, {{"shape", list({6})}}),
          entry("c2", center, {"back"}),
          entry("s2", square, {"c2"}),
          entry("d", "scale", {"s2"}),
          entry("loss", "loss", {"d"})};
}

struct Outcome {
  std::vector<float> terms, gradients;
  float steps = 0;
  std::size_t bytes = 0;
};

Outcome run_blocks(const std::string& center, const std::string& square, int threads, int lanes, std::int64_t shard) {
  constexpr std::int64_t kBatch = 50;
  const auto graph = toy_graph(two_blocks(center, square));
  ParameterStore store(*graph, 7);
  Executor executor(threads);
  ProgramRequest request;
  request.training = true;
  request.feeds = {graph->port("x", ErrorCode::bad_fetch)};
  request.terms = {graph->port("loss", ErrorCode::bad_fetch)};
  request.objectives = {{{0}, {}}};
  for (int i = 0; i < static_cast<int>(store.items().size()); ++i) {
    if (!store.at(i).is_state) request.objectives[0].parameters.push_back(i);
  }
  request.batch = kBatch;
  request.shard = shard;
  request.lanes = lanes;
  Program program(graph, store, executor, request);
  const Tensor x = random_tensor({kBatch, 6}, 3);
  const std::vector<TensorView> feeds = {x.view()};
  const std::vector<std::vector<double>> weights = {{1.0}};
  for (int i = 0; i < 2; ++i)
    program.run({.feeds = feeds, .weights = weights, .samples = kBatch, .seed = 5, .step = 9});
  Outcome outcome;
  outcome.terms.assign(program.term(0).begin(), program.term(0).end());
  for (std::size_t k = 0; k < request.objectives[0].parameters.size(); ++k)
    outcome.gradients.push_back(program.gradient(0, static_cast<int>(k))[0]);
  outcome.steps = store.at(store.find("c.steps")).value.values()[0];
  outcome.bytes = program.memory().total();
  return outcome;
}

void expect_near(const std::vector<float>& got, const std::vector<float>& expected) {
  BOOST_TEST_REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    BOOST_TEST(std::abs(got[i] - expected[i]) < 1e-4F * (1 + std::abs(expected[i])));
}

bool equal_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

Tape blocks_tape(const Graph& graph) {
  TapeRequest request;
  request.training = true;
  request.feeds = {{graph.find("x"), 0}};
  request.terms = {{graph.find("loss"), 0}};
  request.objectives = {{{{graph.find("loss"), 0}}, {"a.weight", "b.weight", "d.weight"}}};
  return repeat_steps(graph, record_tape(graph, request), true);
}

std::int64_t count_of(const Tape& tape, TapeStep::Kind kind) {
  return std::ranges::count(tape.steps, kind, &TapeStep::kind);
}

Storage storage_of(const Graph& graph, const Tape& tape, const std::string& name) {
  const auto found = std::ranges::find(tape.values, name, &TapeValue::name);
  BOOST_TEST_REQUIRE((found != tape.values.end()));
  return make_plan(graph, tape, true, 4, {}).values[static_cast<std::size_t>(found - tape.values.begin())].storage;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(batch_sums)

BOOST_AUTO_TEST_CASE(are_those_of_a_node_that_sees_the_whole_batch) {
  const Outcome whole = run_blocks("center", "square", 1, 1, 50);
  for (const auto& [lanes, shard] :
       std::vector<std::pair<int, std::int64_t>>{{1, 50}, {1, 7}, {3, 5}, {16, 4}, {2, 49}}) {
    BOOST_TEST_CONTEXT("lanes " << lanes << ", shard " << shard) {
      const Outcome parts = run_blocks("gathered_center", "square", 2, lanes, shard);
      expect_near(parts.terms, whole.terms);
      expect_near(parts.gradients, whole.gradients);
      BOOST_TEST(parts.steps == 2);  // of two runs
    }
  }
}

BOOST_AUTO_TEST_CASE(threads_change_no_bit) {
  const Outcome one = run_blocks("cheap_center", "cheap_square", 1, 4, 3);
  for (int threads : {2, 3, 4}) {
    const Outcome many = run_blocks("cheap_center", "cheap_square", threads, 4, 3);
    BOOST_TEST(equal_bits(many.terms, one.terms));
    BOOST_TEST(equal_bits(many.gradients, one.gradients));
  }
}

BOOST_AUTO_TEST_CASE(what_is_computed_again_has_the_same_bits) {
  const Outcome kept = run_blocks("gathered_center", "square", 2, 4, 3);
  const Outcome again = run_blocks("cheap_center", "cheap_square", 2, 4, 3);
  BOOST_TEST(equal_bits(again.terms, kept.terms));
  BOOST_TEST(equal_bits(again.gradients, kept.gradients));
}

// In the first block the center and the square are computed again where the gradient arrives, from the center's input. The
// second block's gradient starts where it is computed: nothing has to be kept.
BOOST_AUTO_TEST_CASE(only_what_crosses_a_stage_is_computed_again) {
  const auto graph = toy_graph(two_blocks("cheap_center", "cheap_square"));
  const Tape tape = blocks_tape(*graph);
  BOOST_TEST(count_of(tape, TapeStep::Kind::repeat) == 2);
  BOOST_TEST((storage_of(*graph, tape, "a") == Storage::batch));
  BOOST_TEST((storage_of(*graph, tape, "c") == Storage::arena));
  BOOST_TEST((storage_of(*graph, tape, "s") == Storage::arena));
  BOOST_TEST((storage_of(*graph, tape, "s2") == Storage::arena));
  BOOST_TEST(count_of(tape, TapeStep::Kind::gather) == 2);
  BOOST_TEST(count_of(tape, TapeStep::Kind::finish) == 2);
  BOOST_TEST(count_of(tape, TapeStep::Kind::gather_backward) == 2);
  BOOST_TEST(count_of(tape, TapeStep::Kind::finish_backward) == 2);
  const auto plain = toy_graph(two_blocks("gathered_center", "square"));
  const Tape kept = blocks_tape(*plain);
  BOOST_TEST(count_of(kept, TapeStep::Kind::repeat) == 0);
  BOOST_TEST((storage_of(*plain, kept, "c") == Storage::batch));
  BOOST_TEST((storage_of(*plain, kept, "s") == Storage::batch));
}

BOOST_AUTO_TEST_SUITE_END()
