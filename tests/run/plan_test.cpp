// The memory plan: what lives at the same time never overlaps, and what shares memory is ordered.
#include "run/plan.h"

#include <map>
#include <set>

#include "support/toy_nodes.h"

using namespace loom;
using namespace loom::check;

namespace {

Tape training_tape(const Graph& graph, const std::vector<std::string>& parameters) {
  TapeRequest request;
  request.training = true;
  request.feeds = {{graph.find("x"), 0}};
  request.terms = {{graph.find("loss"), 0}};
  request.objectives = {{{{graph.find("loss"), 0}}, parameters}};
  return record_tape(graph, request);
}

std::shared_ptr<const Graph> branches(bool barrier) {
  std::vector<NodeEntry> entries = {entry("x", "input", {}, {{"shape", list({100})}})};
  std::vector<std::string> ends;
  for (int b = 0; b < 4; ++b) {
    std::string last = "x";
    for (int i = 0; i < 3; ++i) {
      const std::string name = fmt::format("b{}{}", b, i);
      entries.push_back(entry(name, "scale", {last}));
      last = name;
    }
    ends.push_back(last);
  }
  entries.push_back(entry("s", "add", ends));
  if (barrier) entries.push_back(entry("c", "center", {"s"}));
  entries.push_back(entry("loss", "loss", {barrier ? "c" : "s"}));
  return toy_graph(entries);
}

std::vector<std::string> parameters_of(const Graph& graph) {
  std::vector<std::string> paths;
  for (const GraphNode& node : graph.nodes()) {
    for (const GraphParameter& parameter : node.parameters) paths.push_back(parameter.path);
  }
  return paths;
}

// The steps that must come before `step`, directly or not.
std::set<int> ancestors(const Plan& plan, int step) {
  std::set<int> found;
  std::vector<int> open = {step};
  while (!open.empty()) {
    const int at = open.back();
    open.pop_back();
    for (int p : plan.predecessors[static_cast<std::size_t>(at)]) {
      if (found.insert(p).second) open.push_back(p);
    }
  }
  return found;
}

std::vector<int> users_of(const Tape& tape, int value) {
  std::vector<int> users;
  for (std::size_t i = 0; i < tape.steps.size(); ++i) {
    const TapeStep& s = tape.steps[i];
    for (const auto* list : {&s.inputs, &s.outputs, &s.diff_inputs, &s.diff_outputs}) {
      for (int v : *list) {
        if (v >= 0 && tape.root(v) == value) users.push_back(static_cast<int>(i));
      }
    }
  }
  return users;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(plan)

BOOST_AUTO_TEST_CASE(values_that_share_memory_are_ordered_by_dependencies) {
  const auto graph = branches(false);
  const Tape tape = training_tape(*graph, parameters_of(*graph));
  const Plan plan = make_plan(*graph, tape, true, 4, {});
  std::vector<std::set<int>> before;
  for (std::size_t i = 0; i < tape.steps.size(); ++i) before.push_back(ancestors(plan, static_cast<int>(i)));
  int sharing = 0;
  for (std::size_t a = 0; a < tape.values.size(); ++a) {
    for (std::size_t b = a + 1; b < tape.values.size(); ++b) {
      const PlannedBlock &first = plan.values[a], &second = plan.values[b];
      if (first.storage != Storage::arena || second.storage != Storage::arena) continue;
      if (first.offset >= second.offset + second.bytes || second.offset >= first.offset + first.bytes) continue;
      ++sharing;
      const std::vector<int> users_a = users_of(tape, static_cast<int>(a)),
                             users_b = users_of(tape, static_cast<int>(b));
      const auto all_before = [&](const std::vector<int>& early, const std::vector<int>& late) {
        return std::all_of(early.begin(), early.end(), [&](int e) {
          return std::all_of(late.begin(), late.end(),
                             [&](int l) { return before[static_cast<std::size_t>(l)].count(e) > 0; });
        });
      };
      BOOST_TEST((all_before(users_a, users_b) || all_before(users_b, users_a)));
    }
  }
  BOOST_TEST(sharing > 0);
}

BOOST_AUTO_TEST_CASE(without_a_barrier_there_is_one_stage_and_nothing_but_the_loss_is_kept) {
  const auto graph = branches(false);
  const Tape tape = training_tape(*graph, parameters_of(*graph));
  const Plan plan = make_plan(*graph, tape, true, 4, {});
  BOOST_TEST(plan.stages.size() == 1);
  int kept = 0;
  for (const PlannedBlock& block : plan.values) kept += block.storage == Storage::batch ? 1 : 0;
  BOOST_TEST(kept == 1);
}

BOOST_AUTO_TEST_CASE(a_barrier_makes_stages_and_keeps_what_crosses_it) {
  const auto graph = branches(true);
  const Tape tape = training_tape(*graph, parameters_of(*graph));
  const Plan plan = make_plan(*graph, tape, true, 4, {});
  BOOST_TEST(plan.stages.size() == 5);  // forward, center, loss and its gradient, center backward, backward
  for (std::size_t v = 0; v < tape.values.size(); ++v) {
    std::set<int> stages;
    for (int user : users_of(tape, static_cast<int>(v))) stages.insert(plan.stage[static_cast<std::size_t>(user)]);
    if (tape.values[v].feed >= 0 || tape.values[v].alias_of >= 0) continue;
    if (stages.size() > 1) BOOST_TEST((plan.values[v].storage == Storage::batch), tape.values[v].name);
  }
}

// Three branches with sums over the batch: the gradients of one are not kept while those of another are computed.
BOOST_AUTO_TEST_CASE(one_branch_after_another_backward) {
  std::vector<NodeEntry> entries = {entry("x", "input", {}, {{"shape", list({100})}})};
  std::vector<std::string> ends;
  for (const std::string branch : {"a", "b", "c"}) {
    entries.push_back(entry(branch + "0", "scale", {"x"}));
    entries.push_back(entry(branch + "1", "gathered_center", {branch + "0"}));
    entries.push_back(entry(branch + "2", "scale", {branch + "1"}));
    entries.push_back(entry(branch + "3", "gathered_center", {branch + "2"}));
    ends.push_back(branch + "3");
  }
  entries.push_back(entry("s", "add", ends));
  entries.push_back(entry("loss", "loss", {"s"}));
  const auto graph = toy_graph(entries);
  const Tape tape = training_tape(*graph, parameters_of(*graph));
  const Plan plan = make_plan(*graph, tape, true, 4, {});
  std::map<char, std::pair<int, int>> stages;  // the first and the last of a branch's backward steps
  for (std::size_t i = 0; i < tape.steps.size(); ++i) {
    const TapeStep& step = tape.steps[i];
    if (!step.is_backward() || graph->node(step.node).path.size() != 2) continue;
    const auto [at, fresh] = stages.try_emplace(graph->node(step.node).path[0], plan.stage[i], plan.stage[i]);
    at->second.first = std::min(at->second.first, plan.stage[i]);
    at->second.second = std::max(at->second.second, plan.stage[i]);
  }
  BOOST_TEST_REQUIRE(stages.size() == 3U);
  for (const auto& [name, own] : stages) {
    BOOST_TEST(own.second - own.first >= 4, "two barriers lie within branch " << name);
    for (const auto& [other, theirs] : stages)
      if (name != other) BOOST_TEST((own.second <= theirs.first || theirs.second <= own.first));
  }
}

BOOST_AUTO_TEST_SUITE_END()
