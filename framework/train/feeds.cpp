#include "train/feeds.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "graph/accepted_values.h"
#include "loom/error.h"
#include "train/masks.h"

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

bool has_mask(const GraphNode& node) {
  const int mask = node.contract().input_index("mask");
  return mask >= 0 && node.inputs[static_cast<std::size_t>(mask)].valid();
}

ValueRange range_at(const Graph& graph, const GraphNode& node, int input) {
  const PortDeclaration& port = node.contract().input_at(input);
  const auto [minimum, maximum] = accepted_values(graph, node, input);
  ValueRange range{minimum, maximum, fmt::format("the input '{}' of '{}' ({})", port.name, node.path, node.type->name),
                   node.where, port.name == "target" && has_mask(node)};
  if (port.type == DType::i32)
    range.remedy = "codes count from 0: the graph must have as many as the data, or the data be numbered anew";
  return range;
}

}  // namespace

std::map<int, std::vector<ValueRange>> accepted_ranges(const Graph& graph, std::span<const Port> wanted, bool training,
                                                       std::span<const Port> given) {
  std::map<int, std::vector<ValueRange>> ranges;
  for (const int index : needed_nodes(graph, wanted, training, given)) {
    const GraphNode& node = graph.node(index);
    for (int i = 0; i < static_cast<int>(node.inputs.size()); ++i) {
      const Port source = node.inputs[static_cast<std::size_t>(i)];
      if (!source.valid() || !accepted_values(graph, node, i).is_bounded()) continue;
      const int input = input_behind(graph, source, training);
      if (input >= 0) ranges[input].push_back(range_at(graph, node, i));
    }
  }
  return ranges;
}

std::vector<int> needed_inputs(const Graph& graph, std::span<const Port> wanted, bool training,
                               std::span<const Port> given) {
  const std::set<int> seen = needed_nodes(graph, wanted, training, given);
  std::vector<int> inputs;
  for (const int index : graph.inputs()) {
    if (seen.count(index) > 0) inputs.push_back(index);
  }
  return inputs;
}

std::vector<std::string> columns_of(const Graph& graph, std::span<const int> inputs, std::span<const Column> columns) {
  const auto find = [&](const std::string& name) { return std::ranges::find(columns, name, &Column::name); };
  const auto has = [&](const std::string& name) { return find(name) != columns.end(); };
  // The column with the input's path, or with its name inside a used graph.
  const auto own_column = [&](int input) {
    const std::string& path = graph.node(input).path;
    return has(path) ? path : path.substr(path.rfind('/') + 1);
  };
  const auto unmatched =
      std::ranges::count_if(inputs, [&](int input) { return !has(own_column(input)) && !is_mask_input(graph, input); });
  // Where a single input has no column, x feeds it: unless x has an input of its own, or the input is one number.
  const bool x_is_taken = std::ranges::any_of(graph.inputs(), [&](int input) { return own_column(input) == "x"; });
  const auto x = find("x");
  const auto takes_x = [&](int input) {
    if (unmatched != 1 || x_is_taken || x == columns.end() || is_mask_input(graph, input)) return false;
    return graph.shape({input, 0}).event().count() > 1 || x->event.count() == 1;
  };
  std::vector<std::string> names;
  for (const int input : inputs) {
    const std::string own = own_column(input);
    names.push_back(has(own) ? own : takes_x(input) ? "x" : "");
  }
  return names;
}

FeedPlan plan_feeds(const Graph& graph, std::span<const Port> wanted, bool training, std::span<const Column> columns,
                    std::span<const Port> given) {
  const std::vector<int> inputs = needed_inputs(graph, wanted, training, given);
  const std::vector<std::string> fed_by = columns_of(graph, inputs, columns);
  auto ranges = accepted_ranges(graph, wanted, training, given);
  FeedPlan plan;
  Diagnostics diagnostics;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const int input = inputs[i];
    const GraphNode& node = graph.node(input);
    const Port port{input, 0};
    if (fed_by[i].empty() && !is_mask_input(graph, input)) {
      std::vector<std::string> names;
      for (const Column& column : columns) names.push_back(column.name);
      Diagnostic& finding = diagnostics.add(ErrorCode::bad_feed, node.where,
                                            fmt::format("no column of the data feeds the input '{}'", node.path));
      finding.got = fmt::format("columns {}", fmt::join(names, ", "));
      finding.expected = "a column with the input's name";
      finding.suggestion = nearest_name(node.path, names);
      continue;
    }
    plan.ports.push_back(port);
    plan.requests.push_back(
        {fed_by[i], graph.dtype(port), graph.shape(port).event(), node.where, std::move(ranges[input])});
  }
  diagnostics.throw_if_any();
  return plan;
}

}  // namespace loom
