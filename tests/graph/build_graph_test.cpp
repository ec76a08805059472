// Checking of entries: every finding, with its code, its place and the nearest name.
#include "core/clock.h"
#include "support/toy_nodes.h"

using namespace loom;
using namespace loom::check;

namespace {

std::vector<Diagnostic> findings(const std::vector<NodeEntry>& entries) {
  Diagnostics diagnostics;
  const auto graph = build_graph(entries, toy_registry(), diagnostics);
  BOOST_TEST((graph == nullptr) == !diagnostics.empty());
  return diagnostics.items();
}

NodeEntry x() { return entry("x", "input", {}, {{"shape", list({4})}}); }

void expect(const std::vector<NodeEntry>& entries, ErrorCode code, const std::string& part) {
  const std::vector<Diagnostic> found = findings(entries);
  BOOST_REQUIRE_EQUAL(found.size(), 1);
  BOOST_TEST((found[0].code == code), found[0].text());
  BOOST_TEST(found[0].text().find(part) != std::string::npos, found[0].text());
  BOOST_TEST(found[0].where.known());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(graph_building)

BOOST_AUTO_TEST_CASE(names) {
  expect({x(), entry("a", "scael", {"x"})}, ErrorCode::unknown_node_type, "did you mean 'scale'?");
  expect({x(), entry("encoder", "scale", {"x"}), entry("a", "scale", {"encodre"})}, ErrorCode::dangling_input,
         "did you mean 'encoder'?");
  expect({x(), entry("a", "scale", {"x.z"})}, ErrorCode::unknown_port, "no output 'z'");
  expect({x(), entry("a", "scale", {"input=x", "x=x"})}, ErrorCode::unknown_port, "no input 'input'");
  expect({x(), entry("a", "scale", {"x"}, {{"strat", 1}})}, ErrorCode::unknown_option, "did you mean 'start'?");
  expect({x(), entry("a", "scale", {"x"}), entry("a", "scale", {"x"})}, ErrorCode::duplicate_node, "first: toy.yaml");
}

BOOST_AUTO_TEST_CASE(options_and_inputs) {
  expect({entry("x", "input")}, ErrorCode::missing_option, "'shape' is missing");
  expect({entry("x", "input", {}, {{"shape", list({0})}})}, ErrorCode::out_of_range, ">= 1");
  expect({entry("x", "input", {}, {{"shape", "wide"}})}, ErrorCode::wrong_type, "a list of integers");
  expect({entry("x", "input", {}, {{"shape", list({1})}, {"dtype", "f33"}})}, ErrorCode::unknown_word,
         "did you mean 'f32'?");
  expect({x(), entry("a", "scale")}, ErrorCode::missing_input, "the input 'x' is not connected");
  expect({x(), entry("s", "add")}, ErrorCode::missing_input, "'x0' is not connected");
  expect({x(), entry("a", "scale", {"x", "x"})}, ErrorCode::unknown_port, "takes one source");
}

BOOST_AUTO_TEST_CASE(shapes_and_types) {
  expect({x(), entry("b", "input", {}, {{"shape", list({5})}}), entry("s", "add", {"x", "b"})},
         ErrorCode::shape_mismatch, "...E is [5] here and [4] at input 'x0'");
  expect({x(), entry("r", "reshape", {"x"}, {{"shape", list({3})}})}, ErrorCode::shape_mismatch, "the sizes differ");
  expect({entry("i", "input", {}, {{"shape", list({4})}, {"dtype", "i32"}}), entry("a", "scale", {"i"})},
         ErrorCode::dtype_mismatch, "i32 from 'i'");
}

BOOST_AUTO_TEST_CASE(cycles_name_their_nodes) {
  expect({x(), entry("s", "add", {"x", "b"}), entry("a", "scale", {"s"}), entry("b", "scale", {"a"})}, ErrorCode::cycle,
         "s -> a -> b -> s");
}

BOOST_AUTO_TEST_CASE(everything_is_found_at_once) {
  BOOST_TEST(findings({x(), entry("a", "scael", {"x"}), entry("b", "scale", {"nowhere"}),
                       entry("c", "scale", {"x"}, {{"starts", 1}})})
                 .size() == 3);
}

BOOST_AUTO_TEST_CASE(shared_weights_must_fit) {
  NodeEntry shared = entry("b", "scale", {"a"});
  shared.weights = "a";
  const auto graph = toy_graph({x(), entry("a", "scale", {"x"}), shared});
  BOOST_TEST(graph->node(2).parameters[0].path == "a.weight");
  shared.weights_where = shared.where;
  shared.weights = "x";
  expect({x(), entry("a", "scale", {"x"}), shared}, ErrorCode::bad_weight_sharing, "cannot use the weights of 'x'");
  shared.weights = "nowhere";
  expect({x(), entry("a", "scale", {"x"}), shared}, ErrorCode::bad_weight_sharing, "no node 'nowhere'");
}

BOOST_AUTO_TEST_CASE(a_thousand_nodes_build_quickly) {
  std::vector<NodeEntry> entries = {x()};
  for (int i = 0; i < 1000; ++i)
    entries.push_back(entry(fmt::format("n{}", i), "scale", {i == 0 ? "x" : fmt::format("n{}", i - 1)}));
  const Stopwatch watch;
  BOOST_TEST(findings(entries).empty());
  BOOST_TEST_MESSAGE(fmt::format("1,000 nodes: {:.1f} ms", 1e3 * watch.seconds()));
}

BOOST_AUTO_TEST_SUITE_END()
