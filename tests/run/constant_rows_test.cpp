// What is the same for all samples is computed once a shard, with the gradients that computing it for each sample has.
#include "run/constant_rows.h"

#include <cmath>

#include "document/rewrite.h"
#include "loom/check.h"
#include "run/program.h"
#include "support/toy_nodes.h"

using namespace loom;
using namespace loom::check;

namespace {

NodeEntry formula(const std::string& name, const std::vector<std::string>& inputs, const std::string& text) {
  return entry(name, "expr", inputs, {{"y", text}});
}

std::shared_ptr<const Graph> graph_of(const std::vector<NodeEntry>& entries) {
  return build_checked(entries, standard_registry());
}

// p [3, 6] -> linear -> reshape, read by two layers, one of which needs no data, and by a loss of its own. `by_sample`:
// p is told apart from sample to sample by 0 * x, so that nothing is constant.
std::shared_ptr<const Graph> tensor_graph(bool by_sample) {
  return graph_of(
      {entry("x", "input", {}, {{"shape", list({6})}}), entry("tensor", "parameter", {}, {{"shape", list({3, 6})}}),
       by_sample ? formula("p", {"p=tensor", "x=x"}, "p + 0 * sum(x)")
                 : entry("p", "reshape", {"tensor"}, {{"shape", list({3, 6})}}),
       entry("h", "linear", {"p"}, {{"units", std::int64_t{4}}, {"activation", "tanh"}}),
       entry("flat", "reshape", {"h"}, {{"shape", list({12})}}),
       entry("m", "linear", {"flat"}, {{"units", std::int64_t{6}}}), entry("y", "add", {"x", "m"}),
       formula("loss", {"y=y", "h=flat"}, "sum(y^2) + sum(h) * sum(y)"), formula("own", {"h=flat"}, "sum(h^2)")});
}

struct Outcome {
  std::vector<float> losses, own, fetched, gradients;
  std::vector<std::string> once;
};

Outcome run_tensor(bool by_sample, std::int64_t shard, int lanes, int threads) {
  constexpr std::int64_t kBatch = 14;
  const auto graph = tensor_graph(by_sample);
  ParameterStore store(*graph, 7);
  Executor executor(threads);
  ProgramRequest request;
  request.training = true;
  request.feeds = {graph->port("x", ErrorCode::bad_fetch)};
  request.terms = {graph->port("loss", ErrorCode::bad_fetch), graph->port("own", ErrorCode::bad_fetch)};
  request.fetch = {graph->port("h", ErrorCode::bad_fetch)};
  request.objectives = {{{0, 1}, {}}};
  for (int i = 0; i < static_cast<int>(store.items().size()); ++i) request.objectives[0].parameters.push_back(i);
  request.batch = kBatch, request.shard = shard, request.lanes = lanes;
  Program program(graph, store, executor, request);
  const Tensor x = random_tensor({kBatch, 6}, 3);
  const std::vector<TensorView> feeds = {x.view()};
  const std::vector<std::vector<double>> weights = {{1.0, 0.5}};
  program.run({.feeds = feeds, .weights = weights, .samples = kBatch, .seed = 5, .step = 9});
  Outcome outcome;
  outcome.losses.assign(program.term(0).begin(), program.term(0).end());
  outcome.own.assign(program.term(1).begin(), program.term(1).end());
  outcome.fetched.assign(program.fetched(0).values().begin(), program.fetched(0).values().end());
  for (std::size_t k = 0; k < request.objectives[0].parameters.size(); ++k) {
    const std::span<float> gradient = program.gradient(0, static_cast<int>(k));
    outcome.gradients.insert(outcome.gradients.end(), gradient.begin(), gradient.end());
  }
  return outcome;
}

void expect_near(const std::vector<float>& got, const std::vector<float>& expected) {
  BOOST_TEST_REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    BOOST_TEST(std::abs(got[i] - expected[i]) < 2e-5F * (1 + std::abs(expected[i])));
}

Tape tape_of(const Graph& graph) {
  TapeRequest request;
  request.training = true;
  request.feeds = {{graph.find("x"), 0}};
  request.terms = {{graph.find("loss"), 0}};
  request.objectives = {{{{graph.find("loss"), 0}}, {"tensor.value"}}};
  return compute_constants_once(graph, record_tape(graph, request), true);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(constant_rows)

BOOST_AUTO_TEST_CASE(values_and_gradients_are_those_of_each_sample) {
  const Outcome each = run_tensor(true, 14, 1, 1);
  for (const auto& [shard, lanes] : std::vector<std::pair<std::int64_t, int>>{{14, 1}, {5, 1}, {1, 2}, {4, 2}}) {
    BOOST_TEST_CONTEXT("shards of " << shard << ", lanes " << lanes) {
      const Outcome once = run_tensor(false, shard, lanes, 2);
      expect_near(once.losses, each.losses);
      expect_near(once.own, each.own);
      expect_near(once.fetched, each.fetched);
      expect_near(once.gradients, each.gradients);
    }
  }
}

BOOST_AUTO_TEST_CASE(threads_change_no_bit) {
  const Outcome one = run_tensor(false, 2, 4, 1), four = run_tensor(false, 2, 4, 4);
  BOOST_TEST(one.gradients == four.gradients);
  BOOST_TEST(one.losses == four.losses);
}

BOOST_AUTO_TEST_CASE(steps_that_need_no_data_run_once) {
  const auto graph = tensor_graph(false);
  const Tape tape = tape_of(*graph);
  for (const char* name : {"tensor", "h", "m"}) BOOST_TEST(tape.runs_once(graph->find(name)), name);
  for (const char* name : {"y", "loss"}) BOOST_TEST(!tape.runs_once(graph->find(name)), name);
  BOOST_TEST(std::ranges::count(tape.steps, TapeStep::Kind::spread, &TapeStep::kind) == 2);  // m, and the flat h
  BOOST_TEST(std::ranges::count(tape.steps, TapeStep::Kind::sum_rows, &TapeStep::kind) == 2);
}

// A tensor that is read as it is, noise, and a graph with a barrier stay as they are.
BOOST_AUTO_TEST_CASE(nothing_to_gain) {
  const auto plain = graph_of({entry("x", "input", {}, {{"shape", list({6})}}),
                               entry("tensor", "parameter", {}, {{"shape", list({6})}}),
                               entry("y", "add", {"x", "tensor"}), formula("loss", {"y=y"}, "sum(y)")});
  BOOST_TEST(tape_of(*plain).once.empty());
  const auto noise =
      graph_of({entry("x", "input", {}, {{"shape", list({6})}}), entry("tensor", "normal", {}, {{"shape", list({6})}}),
                entry("h", "linear", {"tensor"}, {{"units", std::int64_t{6}}}), entry("y", "add", {"x", "h"}),
                formula("loss", {"y=y"}, "sum(y)")});
  BOOST_TEST(tape_of(*noise).once.empty());
  const auto barrier = graph_of(
      {entry("x", "input", {}, {{"shape", list({6})}}), entry("tensor", "parameter", {}, {{"shape", list({6})}}),
       entry("h", "linear", {"tensor"}, {{"units", std::int64_t{6}}}), entry("y", "add", {"x", "h"}),
       entry("c", "shuffle_batch", {"y"}), formula("loss", {"y=c"}, "sum(y)")});
  BOOST_TEST(tape_of(*barrier).once.empty());
}

BOOST_AUTO_TEST_SUITE_END()
