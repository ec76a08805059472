// The importance-weighted likelihood needs ln q(z|x) - ln p(z) at the draw z. A divergence node computes it in its
// output log_ratio if its input z is connected. Most documents do not connect it, so it is connected here, to the
// sampler that reads the same posterior.
#pragma once

#include <memory>
#include <vector>

#include "graph/graph.h"
#include "loom/plugin.h"
#include "train/evidence.h"

namespace loom {

// Whether a sampler reads what a divergence reads: the inputs with the same name in both come from the same ports, and there
// is at least one.
bool reads_same(const GraphNode& sampler, const GraphNode& divergence);

// The one sampler that reads what this divergence reads; null where there is none or more than one.
const GraphNode* sampler_of(const Graph& graph, const GraphNode& divergence);

// The graph with the input z of every divergence of the evidence connected; `graph` itself where it is already.
// Throws Error(not_supported) for each that has no log_ratio or no sampler to connect, and as require_density().
std::shared_ptr<const Graph> connect_draws(const std::shared_ptr<const Graph>& graph, std::vector<NodeEntry> entries,
                                           const Registry& registry, const Evidence& evidence);

}  // namespace loom
