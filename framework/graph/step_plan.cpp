#include "graph/step_plan.h"

#include <algorithm>
#include <map>
#include <set>

namespace loom {
namespace {

class StepPlanner {
 public:
  StepPlanner(const ScanPart& part, bool training) : part_(part), graph_(*part.graph), training_(training) {}

  StepPlan plan() {
    for (std::size_t i = 0; i < part_.input_ports.size(); ++i) {
      const int value = add_value(part_.input_ports[i]);
      StepValue& made = plan_.values[static_cast<std::size_t>(value)];
      made.input = static_cast<int>(i);
      made.gradient = made.dtype == DType::f32;
      plan_.inputs.push_back(value);
    }
    mark_needed();
    for (const int node : graph_.order()) {
      if (needed_.contains(node)) add(node);
    }
    for (const Port port : part_.output_ports) plan_.outputs.push_back(value_of_.at(effective(port)));
    return std::move(plan_);
  }

 private:
  Port effective(Port port) const { return graph_.effective(port, training_); }

  int add_value(Port port) {
    const int index = static_cast<int>(plan_.values.size());
    plan_.values.push_back({graph_.shape(port), graph_.dtype(port), index, -1, false});
    value_of_[port] = index;
    return index;
  }

  void mark_needed() {
    std::vector<Port> open = part_.output_ports;
    while (!open.empty()) {
      const Port port = effective(open.back());
      open.pop_back();
      if (!port.valid() || value_of_.contains(port) || !needed_.insert(port.node).second) continue;
      const std::vector<Port>& inputs = graph_.node(port.node).inputs;
      open.insert(open.end(), inputs.begin(), inputs.end());
    }
  }

  bool brings_gradient(const GraphNode& node, std::size_t input, const std::vector<int>& values) const {
    return values[input] >= 0 && plan_.value(values[input]).gradient &&
           node.contract().input_at(static_cast<int>(input)).is_differentiable;
  }

  void add(int index) {
    const GraphNode& node = graph_.node(index);
    StepCall call;
    call.node = index;
    for (const Port input : node.inputs) call.inputs.push_back(input.valid() ? value_of_.at(effective(input)) : -1);
    bool gradient = !node.parameters.empty();
    for (std::size_t k = 0; k < call.inputs.size(); ++k) gradient = gradient || brings_gradient(node, k, call.inputs);
    for (std::size_t k = 0; k < node.outputs.size(); ++k) {
      const int value = add_value({index, static_cast<int>(k)});
      StepValue& made = plan_.values[static_cast<std::size_t>(value)];
      made.gradient = gradient && made.dtype == DType::f32 && node.contract().outputs()[k].is_differentiable;
      call.outputs.push_back(value);
    }
    if (node.contract().is_alias()) {
      plan_.values[static_cast<std::size_t>(call.outputs.front())].root = plan_.value(call.inputs.front()).root;
      return;
    }
    call.parameters.assign(node.contract().parameters().size(), -1);
    for (const GraphParameter& parameter : node.parameters) {
      const auto at = std::ranges::find(part_.parameters, parameter.path) - part_.parameters.begin();
      call.parameters[static_cast<std::size_t>(parameter.declaration)] = static_cast<int>(at);
    }
    plan_.calls.push_back(std::move(call));
  }

  const ScanPart& part_;
  const Graph& graph_;
  bool training_;
  StepPlan plan_;
  std::map<Port, int> value_of_;
  std::set<int> needed_;
};

}  // namespace

StepPlan plan_steps(const ScanPart& part, bool training) { return StepPlanner(part, training).plan(); }

}  // namespace loom
