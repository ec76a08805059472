#include "train/evaluation_draws.h"

#include <fmt/format.h>

#include <algorithm>

#include "loom/error.h"

namespace loom {

bool reads_same(const GraphNode& sampler, const GraphNode& divergence) {
  bool any = false;
  for (std::size_t i = 0; i < sampler.inputs.size(); ++i) {
    const int other = divergence.contract().input_index(sampler.contract().input_name(static_cast<int>(i)));
    if (other < 0 || !sampler.inputs[i].valid()) continue;
    if (!(divergence.inputs[static_cast<std::size_t>(other)] == sampler.inputs[i])) return false;
    any = true;
  }
  return any;
}

const GraphNode* sampler_of(const Graph& graph, const GraphNode& divergence) {
  const GraphNode* found = nullptr;
  for (const GraphNode& node : graph.nodes()) {
    if (node.contract().role() != Role::sampler || !reads_same(node, divergence)) continue;
    if (found != nullptr) return nullptr;
    found = &node;
  }
  return found;
}

std::shared_ptr<const Graph> connect_draws(const std::shared_ptr<const Graph>& graph, std::vector<NodeEntry> entries,
                                           const Registry& registry, const Evidence& evidence) {
  require_density(evidence);
  Diagnostics diagnostics;
  bool changed = false;
  for (const LossTerm& term : evidence.parts) {
    if (term.role != LossRole::divergence) continue;
    const GraphNode& node = graph->node(term.port.node);
    if (node.contract().output_index("log_ratio") < 0) {
      diagnostics.add(
          ErrorCode::not_supported, node.where,
          fmt::format("[{}] has no output log_ratio, which the estimate of the likelihood needs", node.type->name));
      continue;
    }
    const int z = node.contract().input_index("z");
    if (z < 0 || node.inputs[static_cast<std::size_t>(z)].valid()) continue;
    const GraphNode* sampler = sampler_of(*graph, node);
    const auto entry = std::ranges::find(entries, node.path, &NodeEntry::path);
    if (sampler == nullptr || entry == entries.end()) {
      diagnostics
          .add(ErrorCode::not_supported, node.where,
               fmt::format("the input z of '{}' is not connected, and the estimate of the likelihood needs the draw",
                           node.path))
          .hint = "connect the sampler's output to it: in: {..., z: z}";
      continue;
    }
    entry->inputs.push_back({"z", {{sampler->path, "", node.where}}, node.where});
    changed = true;
  }
  diagnostics.throw_if_any();
  if (!changed) return graph;
  auto connected = build_graph(entries, registry, diagnostics);
  diagnostics.throw_if_any();
  return connected;
}

}  // namespace loom
