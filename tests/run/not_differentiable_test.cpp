// A gradient that has to flow through a node without a backward.
#include "run/program.h"
#include "support/toy_nodes.h"

using namespace loom;
using namespace loom::check;

namespace {

class ForwardOnly final : public Node {
 public:
  static void declare(Contract& c) {
    c.summary("a node whose author wrote no backward");
    c.input("x", "[N, ...E]", "values");
    c.output("y", "[N, ...E]", "the same values");
  }
  explicit ForwardOnly(const Options&) {}
  void forward(const Forward& f) const override {
    const auto x = f.input("x").values();
    std::copy(x.begin(), x.end(), f.output("y").values().begin());
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(not_differentiable)

BOOST_AUTO_TEST_CASE(is_said_with_the_node_and_its_place) {
  Registry registry;
  for (const char* name : {"input", "scale", "loss"}) registry.add(NodeType(*toy_registry().node(name)));
  registry.add(detail::make_type<NodeType, ForwardOnly>("forward_only"));
  Diagnostics diagnostics;
  const auto graph = build_graph({entry("x", "input", {}, {{"shape", list({2})}}), entry("a", "scale", {"x"}),
                                  entry("b", "forward_only", {"a"}), entry("loss", "loss", {"b"})},
                                 registry, diagnostics);
  BOOST_REQUIRE(graph);
  ParameterStore store(*graph, 1);
  Executor executor(1);
  ProgramRequest request;
  request.training = true;
  request.feeds = {graph->port("x", ErrorCode::bad_feed)};
  request.terms = {graph->port("loss", ErrorCode::bad_fetch)};
  request.objectives = {{{0}, {0}}};
  request.batch = 2;
  Program program(graph, store, executor, request);
  const Tensor x(DType::f32, {2, 2});
  const std::vector<TensorView> feeds = {x.view()};
  const std::vector<std::vector<double>> weights = {{1.0}};
  BOOST_CHECK_EXCEPTION(program.run({.feeds = feeds, .weights = weights, .samples = 2, .seed = 1, .step = 0}), Error,
                        [&](const Error& error) {
                          const Diagnostic& finding = error.diagnostics().front();
                          return finding.code == ErrorCode::not_differentiable &&
                                 finding.message.find("'b'") != std::string::npos &&
                                 finding.where.line == graph->node(graph->find("b")).where.line;
                        });
}

BOOST_AUTO_TEST_SUITE_END()
