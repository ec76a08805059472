#include "graph/check_bypasses.h"

#include <fmt/format.h>

namespace loom {

void check_bypasses(const std::vector<GraphNode>& nodes, Diagnostics& diagnostics) {
  for (const GraphNode& node : nodes) {
    if (node.when == When::always || !node.type || node.outputs.empty()) continue;
    const bool loss = node.path.starts_with("losses/");
    if (loss) continue;  // a loss term is omitted; nothing passes through it
    const bool fits = node.outputs.size() == 1 && !node.inputs.empty() && node.inputs.front().valid() &&
                      nodes[static_cast<std::size_t>(node.inputs.front().node)]
                              .outputs[static_cast<std::size_t>(node.inputs.front().index)] == node.outputs.front();
    if (fits) continue;
    Diagnostic& finding = diagnostics.add(
        ErrorCode::bad_bypass, node.where,
        fmt::format("'{}' is bypassed in one mode, so its first input must have the shape of its output", node.path));
    finding.got = fmt::format("{} of shape {}", node.outputs.size() == 1 ? "one output" : "several outputs, the first",
                              node.outputs.front().text());
    finding.expected = "one output of the shape of the first input";
    if (node.inputs.empty() || !node.inputs.front().valid()) continue;
    const int source = node.inputs.front().node;
    finding.expected +=
        " " +
        nodes[static_cast<std::size_t>(source)].outputs[static_cast<std::size_t>(node.inputs.front().index)].text();
    finding.other = nodes[static_cast<std::size_t>(source)].where;
    finding.other_role = fmt::format("'{}' is", nodes[static_cast<std::size_t>(source)].path);
  }
}

}  // namespace loom
