#include "train/feeds.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "loom/error.h"

namespace loom {

namespace {

// The nodes that these ports are computed from; not beyond `given` ports.
std::set<int> needed_nodes(const Graph& graph, std::span<const Port> wanted, bool training,
                           std::span<const Port> given) {
  std::set<int> seen;
  std::vector<int> open;
  const auto follow = [&](const Port& port) {
    const Port source = graph.effective(port, training);
    if (std::ranges::find(given, source) == given.end()) open.push_back(source.node);
  };
  for (const Port& port : wanted) follow(port);
  while (!open.empty()) {
    const int index = open.back();
    open.pop_back();
    if (!seen.insert(index).second) continue;
    for (const Port& input : graph.node(index).inputs) {
      if (input.valid()) follow(input);
    }
  }
  return seen;
}

// The input node whose values a port has: itself, or the source of an alias (a reshape, a flatten); -1 if there is none.
int input_behind(const Graph& graph, Port port, bool training) {
  port = graph.effective(port, training);
  while (graph.node(port.node).contract().is_alias() && graph.node(port.node).inputs.front().valid())
    port = graph.effective(graph.node(port.node).inputs.front(), training);
  return graph.node(port.node).is_input() ? port.node : -1;
}

// What the nodes among `nodes` accept of the values of each input node.
std::map<int, std::vector<ValueRange>> accepted_ranges(const Graph& graph, const std::set<int>& nodes, bool training) {
  std::map<int, std::vector<ValueRange>> ranges;
  for (const int index : nodes) {
    const GraphNode& node = graph.node(index);
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (!node.inputs[i].valid()) continue;
      const PortDeclaration& port = node.contract().input_at(static_cast<int>(i));
      const bool bounded = std::isfinite(port.minimum) || std::isfinite(port.maximum);
      const int input = bounded ? input_behind(graph, node.inputs[i], training) : -1;
      if (input < 0) continue;
      ranges[input].push_back({port.minimum, port.maximum,
                               fmt::format("the input '{}' of '{}' ({})", port.name, node.path, node.type->name),
                               node.where});
    }
  }
  return ranges;
}

}  // namespace

std::vector<int> needed_inputs(const Graph& graph, std::span<const Port> wanted, bool training,
                               std::span<const Port> given) {
  const std::set<int> seen = needed_nodes(graph, wanted, training, given);
  std::vector<int> inputs;
  for (const int index : graph.inputs()) {
    if (seen.count(index) > 0) inputs.push_back(index);
  }
  return inputs;
}

FeedPlan plan_feeds(const Graph& graph, std::span<const Port> wanted, bool training, std::span<const Column> columns,
                    std::span<const Port> given) {
  std::vector<std::string> names;
  for (const Column& column : columns) names.push_back(column.name);
  const auto has = [&](const std::string& name) { return std::ranges::find(names, name) != names.end(); };
  // The column with the input's path, or with its name inside a used graph.
  const auto own_column = [&](int input) {
    const std::string& path = graph.node(input).path;
    return has(path) ? path : path.substr(path.rfind('/') + 1);
  };
  const std::vector<int> inputs = needed_inputs(graph, wanted, training, given);
  const auto unmatched = std::ranges::count_if(inputs, [&](int input) { return !has(own_column(input)); });
  // Where a single input has no column, x feeds it: unless x has an input of its own, or the input is one number.
  const bool x_is_taken = std::ranges::any_of(graph.inputs(), [&](int input) { return own_column(input) == "x"; });
  const auto x = std::ranges::find(columns, "x", &Column::name);
  const auto takes_x = [&](int input) {
    if (unmatched != 1 || x_is_taken || x == columns.end()) return false;
    return graph.shape({input, 0}).event().count() > 1 || x->event.count() == 1;
  };
  auto ranges = accepted_ranges(graph, needed_nodes(graph, wanted, training, given), training);
  FeedPlan plan;
  Diagnostics diagnostics;
  for (const int input : inputs) {
    const GraphNode& node = graph.node(input);
    const Port port{input, 0};
    std::string column = own_column(input);
    if (!has(column) && takes_x(input)) column = "x";
    if (!has(column)) {
      Diagnostic& finding = diagnostics.add(ErrorCode::bad_feed, node.where,
                                            fmt::format("no column of the data feeds the input '{}'", node.path));
      finding.got = fmt::format("columns {}", fmt::join(names, ", "));
      finding.expected = "a column with the input's name";
      finding.suggestion = nearest_name(node.path, names);
      continue;
    }
    plan.ports.push_back(port);
    plan.requests.push_back(
        {column, graph.dtype(port), graph.shape(port).event(), node.where, std::move(ranges[input])});
  }
  diagnostics.throw_if_any();
  return plan;
}

}  // namespace loom
