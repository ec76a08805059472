#include "graph/accepted_values.h"

#include <algorithm>

#include "loom/shape_inference.h"

namespace loom {

std::optional<std::int64_t> extent_of(const Graph& graph, const GraphNode& node, const std::string& letter) {
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    if (!node.inputs[i].valid()) continue;
    const std::vector<PatternItem> items = parse_pattern(node.contract().input_at(static_cast<int>(i)).pattern);
    const auto is_letter = [&](const PatternItem& item) {
      return item.kind == PatternItem::Kind::letter && item.name == letter;
    };
    const auto found = std::ranges::find_if(items, is_letter);
    if (found == items.end()) continue;
    const auto run = std::ranges::find(items, PatternItem::Kind::run, &PatternItem::kind);
    const Shape& shape = graph.shape(node.inputs[i]);
    return shape[found < run ? static_cast<int>(found - items.begin())
                             : shape.rank() - static_cast<int>(items.end() - found)];
  }
  return std::nullopt;
}

AcceptedValues accepted_values(const Graph& graph, const GraphNode& node, int input) {
  const PortDeclaration& port = node.contract().input_at(input);
  AcceptedValues accepted{port.minimum, port.maximum};
  if (port.limit.empty()) return accepted;
  const auto names = node.contract().option_names();
  const bool is_option = std::ranges::find(names, port.limit) != names.end();
  const std::optional<std::int64_t> count =
      is_option ? node.options.integer(port.limit) : extent_of(graph, node, port.limit);
  if (count) accepted.maximum = std::min(accepted.maximum, static_cast<double>(*count - 1));
  return accepted;
}

}  // namespace loom
