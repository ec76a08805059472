#include "train/feeds.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "loom/error.h"

namespace loom {

std::vector<int> needed_inputs(const Graph& graph, std::span<const Port> wanted, bool training,
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
    plan.requests.push_back({column, graph.dtype(port), graph.shape(port).event(), node.where});
  }
  diagnostics.throw_if_any();
  return plan;
}

}  // namespace loom
