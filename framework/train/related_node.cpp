#include "train/related_node.h"

#include <algorithm>
#include <map>

#include "graph/accepted_values.h"

namespace loom {
namespace {

// The port behind an input of the node, or an output of it.
Port port_named(const Graph& graph, int node, const std::string& name) {
  const Contract& contract = graph.node(node).contract();
  if (const int input = contract.input_index(name); input >= 0)
    return graph.node(node).inputs[static_cast<std::size_t>(input)];
  const int output = contract.output_index(name);
  return output < 0 ? Port{} : Port{node, output};
}

std::map<std::string, OptionValue> options_of(const Graph& graph, int node, const RelatedNode& related) {
  const GraphNode& from = graph.node(node);
  std::map<std::string, OptionValue> options(related.options.begin(), related.options.end());
  for (const std::string& name : related.same_options)
    if (from.options.has(name)) options[name] = from.options.values().at(name);
  for (const auto& [option, letter] : related.extents)
    if (const auto extent = extent_of(graph, from, letter)) options[option] = *extent;
  return options;
}

bool has_weights(const GraphNode& node) { return !node.parameters.empty() || !node.states.empty(); }

bool shares_weights(const GraphNode& node, const GraphNode& owner) {
  const auto is_owned = [&](const GraphParameter& mine) {
    const auto same = [&](const GraphParameter& theirs) { return theirs.path == mine.path; };
    return std::ranges::any_of(owner.parameters, same) || std::ranges::any_of(owner.states, same);
  };
  return std::ranges::all_of(node.parameters, is_owned) && std::ranges::all_of(node.states, is_owned);
}

bool is_related(const Graph& graph, int node, const RelatedNode& related, const GraphNode& candidate) {
  if (candidate.type->name != related.type || candidate.outputs.empty()) return false;
  std::vector<Port> inputs(candidate.inputs.size());
  for (const auto& [input, source] : related.inputs) {
    const int index = candidate.contract().input_index(input);
    if (index >= 0) inputs[static_cast<std::size_t>(index)] = port_named(graph, node, source);
  }
  if (candidate.inputs != inputs) return false;
  for (const auto& [name, value] : options_of(graph, node, related)) {
    const auto own = candidate.options.values().find(name);
    if (own == candidate.options.values().end() || !(own->second == value)) return false;
  }
  return !related.same_weights || shares_weights(candidate, graph.node(node));
}

}  // namespace

Reference reference_to(const Graph& graph, Port port) {
  const GraphNode& node = graph.node(port.node);
  return {node.path, port.index == 0 ? "" : node.contract().output_names()[static_cast<std::size_t>(port.index)],
          node.where};
}

NodeEntry related_entry(const Graph& graph, int node, const RelatedNode& related, std::string path) {
  const GraphNode& from = graph.node(node);
  NodeEntry entry;
  entry.path = std::move(path);
  entry.type = related.type;
  entry.where = entry.type_where = entry.weights_where = from.where;
  for (const auto& [input, source] : related.inputs) {
    const Port port = port_named(graph, node, source);
    if (port.valid()) entry.inputs.push_back({input, {reference_to(graph, port)}, from.where});
  }
  for (auto& [name, value] : options_of(graph, node, related)) entry.options[name] = {value, from.where};
  for (const ScheduledOption& option : from.scheduled) {
    const bool same = std::ranges::find(related.same_options, option.name) != related.same_options.end();
    if (same) entry.options[option.name].value = option.as_written;
  }
  if (related.same_weights && has_weights(from)) entry.weights = from.path;
  return entry;
}

Port find_related(const Graph& graph, int node, const RelatedNode& related) {
  Port found;
  for (int i = 0; i < graph.size(); ++i) {
    if (!is_related(graph, node, related, graph.node(i))) continue;
    if (found.valid()) return {};
    found = {i, 0};
  }
  return found;
}

}  // namespace loom
