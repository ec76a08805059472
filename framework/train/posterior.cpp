#include "train/posterior.h"

#include <algorithm>
#include <optional>
#include <set>

#include "train/ancestry.h"
#include "train/evaluation_draws.h"
#include "train/evidence.h"
#include "train/feeds.h"

namespace loom {
namespace {

Port input_of(const GraphNode& node, const char* name) {
  const int index = node.contract().input_index(name);
  return index < 0 ? Port{} : node.inputs[static_cast<std::size_t>(index)];
}

bool reads_data(const Graph& graph, const GraphNode& divergence) {
  for (std::size_t i = 0; i < divergence.inputs.size(); ++i) {
    const std::string name = divergence.contract().input_name(static_cast<int>(i));
    if (name == "mu" || name == "logvar" || name == "z" || !divergence.inputs[i].valid()) continue;
    if (!needed_inputs(graph, {&divergence.inputs[i], 1}, false).empty()) return true;
  }
  return false;
}

Posterior posterior_at(const Graph& graph, int node, std::string name, Port mu) {
  Posterior posterior;
  posterior.name = std::move(name);
  posterior.divergence = node;
  posterior.mu = mu;
  const Shape event = graph.shape(mu).event();
  posterior.dimensions = event.rank() == 0 ? 1 : event.back();
  posterior.positions = event.count() / posterior.dimensions;
  return posterior;
}

std::optional<Posterior> of_divergence(const Graph& graph, const LossTerm& part) {
  const GraphNode& node = graph.node(part.port.node);
  const Port mu = input_of(node, "mu");
  if (part.role != LossRole::divergence || !mu.valid() || graph.dtype(mu) != DType::f32) return std::nullopt;
  Posterior posterior = posterior_at(graph, part.port.node, part.name, mu);
  posterior.logvar = input_of(node, "logvar");
  if (const int output = node.contract().output_index("per_dimension"); output >= 0) {
    const Port port{part.port.node, output};
    const Shape values = graph.shape(port).event();
    const bool fits = values.rank() == 0 ? posterior.dimensions == 1 : values.back() == posterior.dimensions;
    if (fits) posterior.per_dimension = port;
  }
  if (const GraphNode* sampler = sampler_of(graph, node))
    posterior.drawn = {static_cast<int>(sampler - graph.nodes().data()), 0};
  posterior.prior_reads_data = reads_data(graph, node);
  return posterior;
}

// Samplers that an evaluated loss depends on, and whose divergence is computed otherwise, as from densities. One whose mean
// is the same for all data is noise of another one.
void add_samplers(const Graph& graph, const std::vector<LossTerm>& terms, std::vector<Posterior>& found) {
  Ancestry evaluated(graph);
  for (const LossTerm& term : terms)
    if (term.in_evaluation) evaluated.add(term.port);
  for (const int i : evaluated.of_role(Role::sampler)) {
    const GraphNode& node = graph.node(i);
    const Port mu = input_of(node, "mu");
    if (!mu.valid() || needed_inputs(graph, {&mu, 1}, false).empty()) continue;
    const auto is_known = [&](const Posterior& other) { return other.drawn.node == i || other.mu == mu; };
    if (graph.dtype(mu) != DType::f32 || std::ranges::any_of(found, is_known)) continue;
    Posterior& posterior = found.emplace_back(posterior_at(graph, i, node.path, mu));
    posterior.logvar = input_of(node, "logvar");
    posterior.drawn = {i, 0};
  }
}

// The narrowest port that everything from the data to their likelihood passes: the code of a deterministic autoencoder.
std::optional<Posterior> bottleneck(const Graph& graph, const LossTerm& part) {
  if (!part.target.valid()) return std::nullopt;
  const std::set<int> data = Ancestry(graph, part.target).inputs();
  std::vector<Port> parameters;
  for (const Port input : graph.node(part.port.node).inputs)
    if (input.valid() && !(input == part.target) && !(input == part.mask)) parameters.push_back(input);
  const auto reaches = [&](int without) {
    Ancestry ancestry(graph);
    if (without >= 0) ancestry.block(without);
    for (const Port& port : parameters) ancestry.add(port);
    const std::set<int> inputs = ancestry.inputs();
    return std::ranges::any_of(data, [&](int input) { return inputs.contains(input); });
  };
  if (!reaches(-1)) return std::nullopt;
  std::optional<Port> narrowest;
  std::int64_t values = part.event_values;
  for (const int node : graph.order()) {
    const Port port{node, 0};
    const bool computed = std::ranges::any_of(graph.node(node).inputs, &Port::valid);
    if (graph.node(node).outputs.size() != 1 || graph.dtype(port) != DType::f32 || !computed) continue;
    const std::int64_t count = graph.shape(port).event().count();
    if (count >= values || reaches(node)) continue;
    narrowest = port;
    values = count;
  }
  if (!narrowest) return std::nullopt;
  return posterior_at(graph, narrowest->node, graph.node(narrowest->node).path, *narrowest);
}

}  // namespace

std::vector<Posterior> find_posteriors(const Graph& graph, const std::vector<LossTerm>& terms) {
  std::vector<Posterior> found;
  const Evidence evidence = find_evidence(graph, terms);
  for (const LossTerm& part : evidence.parts) {
    if (auto posterior = of_divergence(graph, part)) found.push_back(std::move(*posterior));
  }
  add_samplers(graph, terms, found);
  const auto is_quantizer = [](const GraphNode& node) { return node.contract().role() == Role::quantizer; };
  if (!found.empty() || std::ranges::any_of(graph.nodes(), is_quantizer)) return found;
  for (const LossTerm& part : evidence.parts) {
    if (part.role != LossRole::likelihood) continue;
    if (auto code = bottleneck(graph, part)) return {std::move(*code)};
  }
  for (const LossTerm& term : terms) {  // an error of the data
    const bool has_mean = term.mean.valid() || !graph.node(term.port.node).contract().mean().empty();
    if (!term.in_evaluation || !has_mean) continue;
    if (auto code = bottleneck(graph, term)) return {std::move(*code)};
  }
  return found;
}

}  // namespace loom
