// The recorded steps: pruning, fan-out, aliases, what carries a gradient.
#include "graph/tape.h"

#include "support/toy_nodes.h"

using namespace loom;
using namespace loom::check;

namespace {

Port port(const Graph& graph, const std::string& name) { return graph.port(name, ErrorCode::bad_fetch); }

int count(const Tape& tape, TapeStep::Kind kind) {
  return static_cast<int>(
      std::count_if(tape.steps.begin(), tape.steps.end(), [&](const TapeStep& s) { return s.kind == kind; }));
}

NodeEntry x() { return entry("x", "input", {}, {{"shape", list({4})}}); }

}  // namespace

BOOST_AUTO_TEST_SUITE(tape)

BOOST_AUTO_TEST_CASE(only_what_is_asked_for_is_computed) {
  const auto graph = toy_graph({x(), entry("a", "scale", {"x"}), entry("b", "scale", {"a"}),
                                entry("unused", "scale", {"x"}), entry("loss", "loss", {"b"})});
  TapeRequest request;
  request.feeds = {port(*graph, "x")};
  request.fetch = {port(*graph, "a")};
  BOOST_TEST(record_tape(*graph, request).steps.size() == 1);
  request.terms = {port(*graph, "loss")};
  BOOST_TEST(record_tape(*graph, request).steps.size() == 3);
  request.feeds.push_back(port(*graph, "a"));  // a fed port cuts the graph there
  BOOST_TEST(record_tape(*graph, request).steps.size() == 2);
}

BOOST_AUTO_TEST_CASE(fan_out_is_summed_and_only_needed_gradients_are_computed) {
  const auto graph =
      toy_graph({x(), entry("a", "scale", {"x"}), entry("s", "add", {"a", "a", "x"}), entry("loss", "loss", {"s"})});
  TapeRequest request;
  request.feeds = {port(*graph, "x")};
  request.terms = {port(*graph, "loss")};
  request.objectives = {{{port(*graph, "loss")}, {"a.weight"}}};
  const Tape tape = record_tape(*graph, request);
  BOOST_TEST(count(tape, TapeStep::Kind::sum) == 1);
  for (const TapeStep& step : tape.steps) {
    if (step.kind != TapeStep::Kind::backward || graph->node(step.node).path != "s") continue;
    BOOST_TEST(step.diff_inputs[0] >= 0);
    BOOST_TEST(step.diff_inputs[1] >= 0);
    BOOST_TEST(step.diff_inputs[2] == -1);  // nothing trainable behind x
  }
  request.objectives.front().parameters.clear();
  BOOST_TEST(count(record_tape(*graph, request), TapeStep::Kind::backward) == 0);
}

BOOST_AUTO_TEST_CASE(aliases_make_no_step_and_share_memory) {
  const auto graph = toy_graph({x(), entry("a", "scale", {"x"}),
                                entry("r", "reshape", {"a"}, {{"shape", list({2, 2})}}), entry("loss", "loss", {"r"})});
  TapeRequest request;
  request.feeds = {port(*graph, "x")};
  request.terms = {port(*graph, "loss")};
  request.objectives = {{{port(*graph, "loss")}, {"a.weight"}}};
  const Tape tape = record_tape(*graph, request);
  BOOST_TEST(tape.steps.size() == 5);  // two forward, seed, two backward
  BOOST_TEST(count(tape, TapeStep::Kind::backward) == 2);
}

BOOST_AUTO_TEST_CASE(a_node_of_the_other_mode_passes_its_input_through) {
  NodeEntry noise = entry("n", "noise", {"x"});
  noise.when = When::training;
  const auto graph = toy_graph({x(), noise, entry("loss", "loss", {"n"})});
  TapeRequest request;
  request.feeds = {port(*graph, "x")};
  request.terms = {port(*graph, "loss")};
  request.training = true;
  BOOST_TEST(record_tape(*graph, request).steps.size() == 2);
  request.training = false;
  BOOST_TEST(record_tape(*graph, request).steps.size() == 1);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_done_is_said) {
  const auto graph = toy_graph({x(), entry("a", "scale", {"x"}), entry("loss", "loss", {"a"})});
  TapeRequest request;
  request.terms = {port(*graph, "loss")};
  BOOST_CHECK_EXCEPTION(record_tape(*graph, request), Error,
                        [](const Error& e) { return e.code() == ErrorCode::bad_feed; });
  request.feeds = {port(*graph, "x")};
  request.terms = {port(*graph, "a")};
  BOOST_CHECK_EXCEPTION(record_tape(*graph, request), Error,
                        [](const Error& e) { return e.code() == ErrorCode::bad_loss_shape; });
}

BOOST_AUTO_TEST_SUITE_END()
