#include "run/incremental_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "loom/error.h"

namespace loom {
namespace {

class IncrementalPlanner {
 public:
  IncrementalPlanner(const Graph& graph, const IncrementalRequest& request) : graph_(graph), request_(request) {}

  IncrementalPlan plan() {
    TapeRequest tape;
    tape.feeds = {request_.input};
    tape.feeds.insert(tape.feeds.end(), request_.feeds.begin(), request_.feeds.end());
    tape.fetch = {request_.from};
    plan_.tape = record_tape(graph_, tape);
    plan_.from = plan_.tape.fetch_values.front();
    const Shape& shape = graph_.shape(request_.input);
    plan_.width = shape[request_.axes];
    for (int axis = 1; axis < request_.axes; ++axis) plan_.height *= shape[axis];
    const auto fed = std::ranges::find(plan_.tape.values, 0, &TapeValue::feed);
    plan_.input = static_cast<int>(fed - plan_.tape.values.begin());
    drawn_.assign(plan_.tape.values.size(), false);
    fills_.assign(plan_.tape.values.size(), Filled::whole);
    mark(plan_.input, Filled::before);
    for (std::size_t i = 0; i < plan_.tape.steps.size() && plan_.obstacle.empty(); ++i) add(plan_.tape.steps[i]);
    if (plan_.obstacle.empty() && root_fill(plan_.from) != Filled::through) {
      plan_.obstacle = fmt::format("'{}' sees the position that it draws, or does not depend on '{}' at all",
                                   graph_.name_of(request_.from), graph_.name_of(request_.input));
    }
    return std::move(plan_);
  }

 private:
  int root(int value) const { return plan_.tape.root(value); }
  bool is_drawn(int value) const { return value >= 0 && drawn_[static_cast<std::size_t>(root(value))]; }
  Filled root_fill(int value) const { return fills_[static_cast<std::size_t>(root(value))]; }

  void mark(int value, Filled fill) {
    drawn_[static_cast<std::size_t>(value)] = true;
    fills_[static_cast<std::size_t>(value)] = fill;
    plan_.drawn.push_back(value);
  }

  void stop(const GraphNode& node, const std::string& why) {
    plan_.obstacle = fmt::format("the node '{}' ({}) {}", node.path, node.type->name, why);
  }

  void add(const TapeStep& step) {
    if (std::ranges::none_of(step.inputs, [&](int value) { return is_drawn(value); })) return;
    const GraphNode& node = graph_.node(step.node);
    IncrementalStep way{step.node, node.contract().is_pointwise(node.options), step.inputs, step.outputs, {}, {}};
    for (std::size_t k = 0; k < step.inputs.size(); ++k) {
      const int value = step.inputs[k];
      way.input_fills.push_back(value < 0 ? Filled::whole : root_fill(value));
      if (value < 0) continue;
      if (is_drawn(value) && !keeps_positions(value)) return stop(node, "reads the drawn map with another shape");
      if (is_drawn(value) && way.pointwise && !has_channels(value) && reads_channels(node, static_cast<int>(k)))
        return stop(node, "works along the last axis, which contains the drawn positions");
      if (way.pointwise && broadcasts(node, step, k)) return stop(node, "repeats an input along the drawn positions");
      if (!is_drawn(value)) condition(node, node.inputs[k], value, way.pointwise);
    }
    if (!plan_.obstacle.empty()) return;
    if (!way.pointwise && !node.contract().is_causal(node.options))
      return stop(node, "is neither causal nor pointwise");
    if (node.rows_per_sample() != 1) return stop(node, "has several rows per sample");
    leave_out_unread(node, way);
    if (!ask_fills(node, way)) return;
    for (const int value : way.outputs) {
      if (value < 0) continue;
      if (has_positions(plan_.tape.values[static_cast<std::size_t>(value)], graph_.shape(request_.input), request_.axes,
                        true))
        continue;
      return stop(node, "produces values without the axes of the drawn map");
    }
    plan_.steps.push_back(std::move(way));
  }

  // [N, P..., channels], not [N, P...].
  bool has_channels(int value) const {
    return plan_.tape.values[static_cast<std::size_t>(value)].shape.rank() > request_.axes + 1;
  }

  // Of inputs of any axes, which are joined from the last axis on: one with fewer axes does not have them at their places.
  bool broadcasts(const GraphNode& node, const TapeStep& step, std::size_t input) const {
    const auto rank = [&](int value) { return plan_.tape.values[static_cast<std::size_t>(value)].shape.rank(); };
    const PortDeclaration& port = node.contract().input_at(static_cast<int>(input));
    return port.pattern == "[N, ...]" && rank(step.inputs[input]) != rank(step.outputs.front());
  }

  // A linear layer or a softmax, but not a node that treats each value separately, such as an activation.
  static bool reads_channels(const GraphNode& node, int input) {
    const std::string& pattern = node.contract().input_at(input).pattern;
    const std::vector<std::string> options = node.contract().option_names();
    return pattern.find("...", pattern.rfind(',')) == std::string::npos ||
           std::ranges::find(options, "axis") != options.end();
  }

  // An alias keeps the memory; it keeps the positions only if it keeps their axes.
  bool keeps_positions(int value) const {
    const Shape &shape = plan_.tape.values[static_cast<std::size_t>(value)].shape,
                &of_root = plan_.tape.values[static_cast<std::size_t>(root(value))].shape;
    if (std::min(shape.rank(), of_root.rank()) <= request_.axes) return false;
    for (int axis = 0; axis <= request_.axes; ++axis)
      if (shape[axis] != of_root[axis]) return false;
    return true;
  }

  bool ask_fills(const GraphNode& node, IncrementalStep& way) {
    const std::unique_ptr<Node> object = way.pointwise ? nullptr : node.type->create(node.options);
    for (std::size_t k = 0; k < way.outputs.size(); ++k) {
      Filled fill = *std::ranges::max_element(way.input_fills);
      try {
        if (object) fill = object->filled(way.input_fills, static_cast<int>(k));
      } catch (const Error& error) {
        if (error.code() != ErrorCode::not_supported) throw;
        stop(node, fmt::format("has no incremental interface here: {}", error.diagnostics().front().message));
        return false;
      }
      if (way.pointwise && node.contract().is_stochastic(false) && fill == Filled::rows_before) {
        stop(node, "draws from rows that are not yet filled");
        return false;
      }
      way.output_fills.push_back(fill);
      if (way.outputs[k] >= 0) mark(way.outputs[k], fill);
    }
    return true;
  }

  // Outputs that may be left out (the last state of a scan), where nothing reads them.
  void leave_out_unread(const GraphNode& node, IncrementalStep& way) const {
    for (std::size_t k = 0; k < way.outputs.size(); ++k) {
      const int value = way.outputs[k];
      const bool read =
          root(plan_.from) == root(value) || std::ranges::any_of(plan_.tape.steps, [&](const TapeStep& other) {
            return std::ranges::any_of(other.inputs,
                                       [&](int input) { return input >= 0 && root(input) == root(value); });
          });
      if (!read && node.contract().outputs()[k].is_optional) way.outputs[k] = -1;
    }
  }

  void condition(const GraphNode& node, Port port, int value, bool pointwise) {
    const TapeValue& v = plan_.tape.values[static_cast<std::size_t>(value)];
    if (pointwise && !has_positions(v, graph_.shape(request_.input), request_.axes, false))
      return stop(node, fmt::format("reads '{}', which does not have the axes of the drawn map", graph_.name_of(port)));
    if (std::ranges::find(plan_.condition_values, value) != plan_.condition_values.end()) return;
    plan_.conditions.push_back(port);
    plan_.condition_values.push_back(value);
  }

  const Graph& graph_;
  const IncrementalRequest& request_;
  IncrementalPlan plan_;
  std::vector<bool> drawn_;    // per value; set for roots
  std::vector<Filled> fills_;  // per value; set for roots
};

}  // namespace

bool has_positions(const TapeValue& value, const Shape& input, int axes, bool is_drawn) {
  if (value.shape.rank() <= axes) return false;
  for (int axis = 1; axis <= axes; ++axis) {
    if (value.shape[axis] != input[axis]) return false;
  }
  // A vector of as many values as there are positions is still a vector.
  return is_drawn || value.shape.rank() > axes + 1 || value.dtype == DType::i32;
}

IncrementalPlan plan_incremental(const Graph& graph, const IncrementalRequest& request) {
  return IncrementalPlanner(graph, request).plan();
}

}  // namespace loom
