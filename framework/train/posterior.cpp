#include "train/posterior.h"

#include <algorithm>

#include "train/evaluation_draws.h"
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

}  // namespace

std::vector<Posterior> find_posteriors(const Graph& graph, const std::vector<LossTerm>& terms) {
  std::vector<Posterior> found;
  for (const LossTerm& term : terms) {
    if (term.role != LossRole::divergence || !term.in_evaluation) continue;
    const GraphNode& node = graph.node(term.port.node);
    Posterior posterior;
    posterior.mu = input_of(node, "mu");
    if (!posterior.mu.valid() || graph.dtype(posterior.mu) != DType::f32) continue;
    posterior.name = term.name;
    posterior.divergence = term.port.node;
    posterior.logvar = input_of(node, "logvar");
    const Shape event = graph.shape(posterior.mu).event();
    posterior.dimensions = event.rank() == 0 ? 1 : event.back();
    posterior.positions = event.count() / posterior.dimensions;
    if (const int output = node.contract().output_index("per_dimension"); output >= 0) {
      const Port port{term.port.node, output};
      const Shape values = graph.shape(port).event();
      const bool fits = values.rank() == 0 ? posterior.dimensions == 1 : values.back() == posterior.dimensions;
      if (fits) posterior.per_dimension = port;
    }
    if (const GraphNode* sampler = sampler_of(graph, node))
      posterior.drawn = {static_cast<int>(sampler - graph.nodes().data()), 0};
    posterior.prior_reads_data = reads_data(graph, node);
    found.push_back(posterior);
  }
  return found;
}

}  // namespace loom
