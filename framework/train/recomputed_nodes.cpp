#include "train/recomputed_nodes.h"

#include <fmt/format.h>

#include "core/pattern.h"
#include "run/recompute.h"

namespace loom {

std::vector<int> recomputed_nodes(const Graph& graph, const std::vector<std::string>& patterns) {
  std::vector<int> nodes;
  if (patterns.empty()) return nodes;
  for (int i = 0; i < graph.size(); ++i) {
    const GraphNode& node = graph.node(i);
    if (can_compute_again(node, true) && matches_any(patterns, node.path)) nodes.push_back(i);
  }
  return nodes;
}

void check_recompute(const Graph& graph, const PlacedPatterns& patterns, Diagnostics& diagnostics) {
  std::vector<std::string> paths;
  for (const GraphNode& node : graph.nodes()) {
    if (can_compute_again(node, true)) paths.push_back(node.path);
  }
  check_patterns(
      patterns, paths, paths,
      [](const std::string& pattern, Diagnostic& finding) {
        finding.message = fmt::format("train.recompute: '{}' matches no node that can be computed again", pattern);
        finding.expected = "a pattern over the paths of nodes, as \"encoder/*\"";
        finding.hint = "inputs, nodes that move a state and nodes that see the whole batch are never computed again";
      },
      diagnostics);
}

}  // namespace loom
