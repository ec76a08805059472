#include "generate/fit_inputs.h"

#include <algorithm>
#include <map>

#include "document/rewrite.h"
#include "graph/graph.h"
#include "train/feeds.h"

namespace loom {
namespace {

// The extents of the column in the form of the input; empty where the two differ in more than positions, or in nothing.
std::vector<OptionValue> fitted_shape(const Shape& input, const Shape& column) {
  std::vector<OptionValue> shape;
  if (input.rank() == 0 || column.rank() == 0 || input.count() == column.count()) return {};
  if (input.rank() == column.rank() && input.rank() > 1 && input.back() == column.back()) {
    for (const std::int64_t extent : column.extents()) shape.emplace_back(extent);
    return shape;
  }
  if (input.count() / input[0] != column.count() / column[0]) return {};
  for (int axis = 0; axis < input.rank(); ++axis) shape.emplace_back(axis == 0 ? column[0] : input[axis]);
  return shape;
}

std::map<std::string, Shape> parameter_shapes(const Graph& graph) {
  std::map<std::string, Shape> shapes;
  for (const GraphNode& node : graph.nodes()) {
    for (const GraphParameter& parameter : node.parameters) shapes.emplace(parameter.path, parameter.shape);
    for (const GraphParameter& state : node.states) shapes.emplace(state.path, state.shape);
  }
  return shapes;
}

}  // namespace

Document fit_inputs(Document document, const Registry& registry, std::span<const Column> columns) {
  const std::shared_ptr<const Graph> graph = build_checked(document.nodes, registry);
  const std::vector<int> inputs = graph->inputs();
  const std::vector<std::string> names = columns_of(*graph, inputs, columns);
  Document fitted = document;
  bool changed = false;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto column = std::ranges::find(columns, names[i], &Column::name);
    const std::string& path = graph->node(inputs[i]).path;
    const auto node = std::ranges::find(fitted.nodes, path, &NodeEntry::path);
    if (column == columns.end() || node == fitted.nodes.end()) continue;
    const Shape event = graph->shape({inputs[i], 0}).event();
    std::vector<OptionValue> shape = fitted_shape(event, column->event);
    if (shape.empty()) continue;
    node->options["shape"].value = std::move(shape);
    changed = true;
  }
  if (!changed) return document;
  Diagnostics findings;
  const std::shared_ptr<const Graph> other = build_graph(fitted.nodes, registry, findings);
  const bool same = other && findings.empty() && parameter_shapes(*other) == parameter_shapes(*graph);
  return same ? fitted : document;
}

}  // namespace loom
