// Which layers of a picture's network are computed again behind batch norm's barriers in place of being kept, and that the
// gradients stay what they are.
#include <fmt/format.h>

#include "document/document.h"
#include "nodes/node_checks.h"
#include "run/program.h"

using namespace loom;
using namespace loom::check;

namespace {

constexpr std::int64_t kSamples = 6, kSide = 12, kFilters = 10;

std::shared_ptr<const Graph> network(int channels, const std::string& activation, const std::string& function) {
  const std::string text = fmt::format(R"(
version: 1
graph: pictures
nodes:
  x:     {{type: input, shape: [{0}, {0}, {1}]}}
  first: {{type: conv, in: x, filters: {2}, kernel: 3, padding: 1, activation: {3}}}
  inner: {{type: conv, in: first, filters: 4, kernel: 3, padding: 1, bias: false}}
  norm:  {{type: batch_norm, in: inner}}
  y:     {{type: activation, in: norm, function: {4}}}
  last:  {{type: conv, in: y, filters: {1}, kernel: 3, padding: 1}}
losses:
  error: {{type: squared_error, in: {{x: last, target: x}}}}
)",
                                       kSide, channels, kFilters, activation, function);
  Diagnostics findings;
  std::shared_ptr<const Graph> graph =
      build_graph(parse_document(text, "pictures.yaml", ".").nodes, standard_registry(), findings);
  findings.throw_if_any();
  return graph;
}

struct Step {
  std::size_t kept = 0;  // bytes for the batch
  std::vector<std::vector<float>> gradients;
};

Step run(const std::shared_ptr<const Graph>& graph, std::int64_t shard, int lanes) {
  ParameterStore store(*graph, 3);
  Executor executor(2);
  ProgramRequest request;
  request.training = true;
  request.feeds = {graph->port("x", ErrorCode::bad_feed)};
  request.terms = {graph->port("losses/error", ErrorCode::bad_fetch)};
  ObjectiveRequest objective{{0}, {}};
  for (int i = 0; i < static_cast<int>(store.items().size()); ++i)
    if (!store.at(i).is_state) objective.parameters.push_back(i);
  request.objectives = {objective};
  request.batch = kSamples;
  request.shard = shard;
  request.lanes = lanes;
  Program program(graph, store, executor, request);
  const Tensor x = random_tensor(graph->shape(request.feeds[0]).at_batch(kSamples), 5);
  const std::vector<TensorView> feeds = {x.view()};
  const std::vector<std::vector<double>> weights = {{1.0}};
  for (int i = 0; i < 2; ++i)
    program.run({.feeds = feeds, .weights = weights, .samples = kSamples, .seed = 5, .step = 1});
  Step step;
  step.kept = program.memory().batch;
  for (std::size_t k = 0; k < objective.parameters.size(); ++k) {
    const std::span<float> gradient = program.gradient(0, static_cast<int>(k));
    step.gradients.emplace_back(gradient.begin(), gradient.end());
  }
  return step;
}

void expect_the_gradients_of_one_shard(const std::shared_ptr<const Graph>& graph) {
  const Step whole = run(graph, kSamples, 1), parts = run(graph, 2, 2);
  BOOST_TEST_REQUIRE(parts.gradients.size() == whole.gradients.size());
  for (std::size_t k = 0; k < whole.gradients.size(); ++k) {
    for (std::size_t i = 0; i < whole.gradients[k].size(); ++i)
      BOOST_TEST(std::abs(parts.gradients[k][i] - whole.gradients[k][i]) <
                 1e-4F * (1 + std::abs(whole.gradients[k][i])));
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(computed_again)

// 3 x 3 x 3 products for a value; gelu keeps the sums before it, and 3 x 3 x 16 products are too many.
BOOST_AUTO_TEST_CASE(a_first_layer_is_not_kept) {
  const std::size_t map = static_cast<std::size_t>(kSamples * kSide * kSide * kFilters) * sizeof(float);
  const std::size_t again = run(network(3, "relu", "relu"), 2, 2).kept;
  BOOST_TEST(run(network(3, "tanh", "relu"), 2, 2).kept == again);
  BOOST_TEST(run(network(3, "gelu", "relu"), 2, 2).kept >= again + map);
  BOOST_TEST(run(network(16, "relu", "relu"), 2, 2).kept >= again + map);
}

BOOST_AUTO_TEST_CASE(gradients_stay_the_same) {
  for (const char* activation : {"none", "relu", "tanh", "gelu"}) {
    for (const char* function : {"relu", "leaky_relu", "silu"}) {
      BOOST_TEST_CONTEXT(activation << ", " << function)
      expect_the_gradients_of_one_shard(network(3, activation, function));
    }
  }
}

// From the output, which the next layer reads in any case; a slope below 0 does not keep the sign.
BOOST_AUTO_TEST_CASE(piecewise_linear_functions_read_their_output) {
  const std::vector<std::pair<std::string, bool>> functions = {{"relu", true},
                                                               {"hardtanh", true},
                                                               {"relu6", true},
                                                               {"leaky_relu, slope: 0.2", true},
                                                               {"leaky_relu, slope: -0.2", false},
                                                               {"tanh", false},
                                                               {"elu", false}};
  for (const auto& [function, reads_output] : functions) {
    const auto graph = network(3, "none", function);
    const GraphNode& y = graph->node(graph->find("y"));
    BOOST_TEST(y.contract().reads_in_backward("y", y.options) == reads_output, function);
    BOOST_TEST(y.contract().reads_in_backward("x", y.options) != reads_output, function);
    expect_the_gradients_of_one_shard(graph);
  }
  expect_ok(
      node("activation").option("function", "leaky_relu").option("slope", -0.2).random_input("x", {2, 9}).check());
}

BOOST_AUTO_TEST_SUITE_END()
