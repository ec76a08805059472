#include "train/recomputed_nodes.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/pattern.h"
#include "run/recompute.h"

namespace loom {

std::vector<int> recomputed_nodes(const Graph& graph, const std::vector<std::string>& patterns) {
  std::vector<int> nodes;
  if (std::ranges::all_of(patterns, is_exclusion)) return nodes;
  for (int i = 0; i < graph.size(); ++i) {
    const GraphNode& node = graph.node(i);
    if (can_compute_again(node, true) && matches_any(patterns, node.path)) nodes.push_back(i);
  }
  return nodes;
}

void check_recompute(const Graph& graph, const std::vector<std::string>& patterns, const Location& where,
                     Diagnostics& diagnostics) {
  std::vector<std::string> paths;
  for (const GraphNode& node : graph.nodes()) {
    if (can_compute_again(node, true)) paths.push_back(node.path);
  }
  for (const std::string& written : patterns) {
    const std::string pattern = written.substr(is_exclusion(written) ? 1 : 0);
    if (std::ranges::any_of(paths, [&](const std::string& path) { return matches_pattern(pattern, path); })) continue;
    Diagnostic& finding =
        diagnostics.add(ErrorCode::unknown_objective_parameter, where,
                        fmt::format("train.recompute: '{}' matches no node that can be computed again", pattern));
    finding.got = pattern;
    finding.expected = "a pattern over the paths of nodes, as \"encoder/*\"";
    finding.suggestion = nearest_name(pattern, paths);
    finding.hint = "inputs, nodes that move a state and nodes that see the whole batch are never computed again";
  }
}

}  // namespace loom
