// What is stored in bf16: what every node that touches it takes so, and nothing else.
#include "run/storage.h"

#include "run/executor.h"
#include "run/program.h"
#include "support/toy_nodes.h"

using namespace loom;
using namespace loom::check;

namespace {

Tape stored(const Graph& graph, const std::vector<std::string>& fetch = {},
            const std::vector<std::string>& parameters = {"w.weight"}) {
  TapeRequest request;
  request.training = true;
  request.feeds = {graph.port("x", ErrorCode::bad_feed)};
  request.terms = {graph.port("loss", ErrorCode::bad_fetch)};
  if (!parameters.empty()) request.objectives = {{{graph.port("loss", ErrorCode::bad_fetch)}, parameters}};
  for (const std::string& name : fetch) request.fetch.push_back(graph.port(name, ErrorCode::bad_fetch));
  return store_in_bf16(graph, record_tape(graph, request));
}

std::string type_of(const Tape& tape, const std::string& name) {
  const auto it = std::ranges::find(tape.values, name, &TapeValue::name);
  BOOST_REQUIRE_MESSAGE(it != tape.values.end(), name);
  return std::string(name_of(it->dtype));
}

NodeEntry data() { return entry("x", "input", {}, {{"shape", list({6})}}); }
NodeEntry weighted() { return entry("w", "scale", {"x"}); }

// x -> w (f32) -> a, b (bf16) -> end (f32) -> loss
std::vector<NodeEntry> chain() {
  return {data(),
          weighted(),
          entry("a", "half", {"w"}),
          entry("b", "half", {"a"}),
          entry("end", "scale", {"b"}),
          entry("loss", "loss", {"end"})};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(storage)

BOOST_AUTO_TEST_CASE(a_value_between_nodes_that_take_bf16_and_its_gradient) {
  const auto graph = toy_graph(chain());
  const Tape tape = stored(*graph);
  BOOST_TEST(type_of(tape, "a") == "bf16");
  BOOST_TEST(type_of(tape, "d a") == "bf16");
  for (const char* other : {"x", "w", "d w", "b", "d b", "end", "d end", "loss"}) {
    BOOST_TEST_CONTEXT(other) BOOST_TEST(type_of(tape, other) == "f32");
  }
}

BOOST_AUTO_TEST_CASE(what_is_asked_for_by_name_is_not_rounded) {
  const auto graph = toy_graph(chain());
  BOOST_TEST(type_of(stored(*graph, {"a"}), "a") == "f32");
}

BOOST_AUTO_TEST_CASE(a_node_of_full_precision_takes_none) {
  std::vector<NodeEntry> entries = chain();
  entries[3].full_precision = true;
  BOOST_TEST(type_of(stored(*toy_graph(entries)), "a") == "f32");
}

BOOST_AUTO_TEST_CASE(one_reader_that_does_not_take_it_is_enough) {
  std::vector<NodeEntry> entries = chain();
  entries.push_back(entry("other", "scale", {"a"}));
  entries.push_back(entry("sum", "add", {"end", "other"}));
  entries[5] = entry("loss", "loss", {"sum"});
  BOOST_TEST(type_of(stored(*toy_graph(entries)), "a") == "f32");
}

// Its memory is that of a value which is.
BOOST_AUTO_TEST_CASE(another_shape_of_a_value_is_stored_as_it_is) {
  const auto graph = toy_graph(
      {data(), weighted(), entry("a", "half", {"w"}), entry("flat", "reshape", {"a"}, {{"shape", list({2, 3})}}),
       entry("b", "half", {"flat"}), entry("end", "scale", {"b"}), entry("loss", "loss", {"end"})});
  const Tape tape = stored(*graph);
  BOOST_TEST(type_of(tape, "a") == "bf16");
  BOOST_TEST(type_of(tape, "flat") == "bf16");
}

// A frozen encoder computes as `encode` does.
BOOST_AUTO_TEST_CASE(nothing_is_rounded_where_no_gradient_goes) {
  const auto graph = toy_graph({data(), entry("a", "half", {"x"}), entry("b", "half", {"a"}),
                                entry("w", "scale", {"b"}), entry("loss", "loss", {"w"})});
  BOOST_TEST(type_of(stored(*graph), "a") == "f32");
  BOOST_TEST(type_of(stored(*toy_graph(chain()), {}, {}), "a") == "f32");
}

// Two readers: the gradient is a sum of two, in bf16 as they are.
BOOST_AUTO_TEST_CASE(gradients_of_several_readers_are_added) {
  const auto graph =
      toy_graph({data(), weighted(), entry("a", "half", {"w"}), entry("b", "half", {"a"}), entry("c", "half", {"a"}),
                 entry("sum", "add", {"b", "c"}), entry("loss", "loss", {"sum"})});
  BOOST_TEST(type_of(stored(*graph), "d a") == "bf16");
  ParameterStore store(*graph, 3);
  Executor executor(1);
  std::vector<float> gradients;
  for (const bool bf16 : {false, true}) {
    ProgramRequest request;
    request.training = true;
    request.bf16 = bf16;
    request.feeds = {graph->port("x", ErrorCode::bad_feed)};
    request.terms = {graph->port("loss", ErrorCode::bad_fetch)};
    request.objectives = {{{0}, {0}}};
    request.batch = 4;
    Program program(graph, store, executor, request);
    Tensor x(DType::f32, {4, 6});
    RandomStream(3, 1, 0).normal(0, x.values());
    const std::vector<TensorView> feeds = {x.view()};
    const std::vector<std::vector<double>> weights = {{1.0}};
    program.run({.feeds = feeds, .weights = weights, .samples = 4});
    gradients.push_back(program.gradient(0, 0)[0]);
  }
  BOOST_TEST(gradients[0] != gradients[1]);
  BOOST_TEST(gradients[0] == gradients[1], boost::test_tools::tolerance(0.01F));
}

BOOST_AUTO_TEST_SUITE_END()
