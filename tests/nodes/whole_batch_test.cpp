// Nodes that average over the batch, and batches with several rows of a sample: no shard size changes a value or a
// gradient.
#include "document/document.h"
#include "nodes/node_checks.h"
#include "run/program.h"

using namespace loom;
using namespace loom::check;

namespace {

constexpr const char* kGraph = R"(
version: 1
graph: batch
nodes:
  x:       {type: input, shape: [6]}
  hidden:  {type: linear, in: x, units: 5, bias: false}  # batch_norm takes a bias away
  norm:    {type: batch_norm, in: hidden}
  q:       {type: gaussian_parameters, in: norm, dim: 4}
  z:       {type: gaussian_sampler, in: {mu: q.mu, logvar: q.logvar}}
  draws:   {type: standard_normal, shape: [4]}
  mus:     {type: repeat, in: q.mu, times: 3}
  logvars: {type: repeat, in: q.logvar, times: 3}
  zs:      {type: gaussian_sampler, in: {mu: mus, logvar: logvars}}
  kept:    {type: dropout, in: zs, rate: 0.3}
  mean:    {type: linear, in: kept, units: 6}
  targets: {type: repeat, in: x, times: 3}
  nll:     {type: gaussian_nll, in: {mean: mean, target: targets}}
  ratio:   {type: gaussian_kl, in: {mu: mus, logvar: logvars, z: zs}}
  shuffled: {type: shuffle_batch, in: z, columns: true}
  sorted:   {type: sort_batch, in: z}
  average:  {type: batch_mean, in: z}
  spread:   {type: batch_covariance, in: z}
  away:     {type: pairwise_distance, in: z, others: 5}
  several:  {type: rows_to_axis, in: zs}
  again:    {type: axis_to_rows, in: several}
  prior:    {type: uniform, in: {like: z}}
  token:    {type: parameter, shape: [4]}
  order:    {type: permutation, shape: [3]}
  chosen:   {type: gather, in: {x: several, index: order}}
  scores:   {type: matmul, in: {a: chosen, b: several}, transpose_b: true}
losses:
  shuffles:    {type: squared_error, in: {x: shuffled, target: z}}
  sliced:      {type: squared_error, in: {x: sorted, target: prior}}
  centre:      {type: squared_error, in: {x: average, target: token}}
  covariance:  {type: sum, in: spread}
  distances:   {type: reduce, in: away, function: logsumexp}
  rows:        {type: reduce, in: scores, function: max}
  kept_rows:   {type: reduce, in: again, function: var}
  correlation: {type: total_correlation, in: {z: z, mu: q.mu, logvar: q.logvar}, dataset_size: 100}
  discrepancy: {type: mmd, in: {x: z, y: draws}}
  free_bits:   {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}, free_bits: 0.1}
  capacity:    {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}, capacity: 3}
  bound:       {type: importance_weighted_bound, in: {nll: nll, log_ratio: ratio.log_ratio}, samples: 3}
)";

constexpr std::int64_t kSamples = 12;
const std::vector<std::string> kTerms = {"correlation", "discrepancy", "free_bits",  "capacity",  "bound", "shuffles",
                                         "sliced",      "centre",      "covariance", "distances", "rows"};

struct Step {
  Tensor values;
  std::vector<Tensor> gradients;
};

Step run(const std::shared_ptr<const Graph>& graph, int term, std::int64_t shard) {
  ParameterStore store(*graph, 3);
  Executor executor(2);
  ProgramRequest request;
  request.training = true;
  request.feeds = {graph->port("x", ErrorCode::bad_feed)};
  request.terms = {graph->port("losses/" + kTerms[static_cast<std::size_t>(term)], ErrorCode::bad_fetch)};
  ObjectiveRequest objective{{0}, {}};
  for (int i = 0; i < static_cast<int>(store.items().size()); ++i) {
    if (!store.at(i).is_state) objective.parameters.push_back(i);
  }
  request.objectives = {objective};
  request.batch = kSamples;
  request.shard = shard;
  request.lanes = 2;
  Program program(graph, store, executor, request);
  const Tensor x = random_tensor({kSamples, 6}, 5);
  const std::vector<TensorView> feeds = {x.view()};
  const std::vector<std::vector<double>> weights = {{1.0}};
  program.run({.feeds = feeds, .weights = weights, .samples = kSamples, .seed = 4, .step = 2});
  Step step;
  step.values = Tensor(DType::f32, {kSamples});
  std::ranges::copy(program.term(0), step.values.values().begin());
  for (std::size_t k = 0; k < objective.parameters.size(); ++k) {
    const auto gradient = program.gradient(0, static_cast<int>(k));
    step.gradients.emplace_back(DType::f32, Shape({static_cast<std::int64_t>(gradient.size())}));
    std::ranges::copy(gradient, step.gradients.back().values().begin());
  }
  return step;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(whole_batch)

BOOST_AUTO_TEST_CASE(no_shard_size_changes_anything) {
  Diagnostics diagnostics;
  const auto graph = build_graph(parse_document(kGraph, "batch.yaml", ".").nodes, standard_registry(), diagnostics);
  diagnostics.throw_if_any();
  for (int term = 0; term < static_cast<int>(kTerms.size()); ++term) {
    const Step whole = run(graph, term, kSamples);
    double size = 0;
    for (const Tensor& gradient : whole.gradients) {
      for (float value : gradient.values()) size += std::abs(static_cast<double>(value));
    }
    BOOST_TEST(size > 1e-3);  // something is compared
    for (const std::int64_t shard : {1, 2, 3, 5}) {
      const Step parts = run(graph, term, shard);
      Report report;
      const std::string what = kTerms[static_cast<std::size_t>(term)] + ", shards of " + std::to_string(shard);
      compare(report, what, parts.values, whole.values, 1e-5);
      for (std::size_t k = 0; k < whole.gradients.size(); ++k)
        compare(report, what + ", gradient " + std::to_string(k), parts.gradients[k], whole.gradients[k], 2e-4);
      expect_ok(report);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
