#include "graph/tape.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "graph/gradient.h"

namespace loom {
namespace {

class Recorder {
 public:
  Recorder(const Graph& graph, const TapeRequest& request) : graph_(graph), request_(request) {}

  Tape record() {
    for (std::size_t i = 0; i < request_.feeds.size(); ++i) {
      const int value = add_value(request_.feeds[i], graph_.name_of(request_.feeds[i]));
      tape_.values[static_cast<std::size_t>(value)].feed = static_cast<int>(i);
      value_of_[request_.feeds[i]] = value;
    }
    mark_needed();
    for (int node : graph_.order()) {
      if (needed_.count(node) > 0) forward(node);
    }
    for (Port term : request_.terms) tape_.term_values.push_back(term_value(term));
    for (Port port : request_.fetch) tape_.fetch_values.push_back(value_of_.at(effective(port)));
    tape_.input_gradient_values.assign(request_.input_gradients.size(), -1);
    for (std::size_t o = 0; o < request_.objectives.size(); ++o) differentiate(static_cast<int>(o));
    return std::move(tape_);
  }

 private:
  Port effective(Port port) const { return fed(port) ? port : graph_.effective(port, request_.training); }
  bool fed(Port port) const {
    return std::find(request_.feeds.begin(), request_.feeds.end(), port) != request_.feeds.end();
  }

  int add_value(Port port, std::string name) {
    TapeValue value;
    value.shape = graph_.shape(port);
    value.dtype = graph_.dtype(port);
    value.name = std::move(name);
    tape_.values.push_back(std::move(value));
    return static_cast<int>(tape_.values.size()) - 1;
  }

  // Everything upstream of the requested ports; a fed port cuts the graph.
  void mark_needed() {
    std::vector<Port> open = request_.terms;
    open.insert(open.end(), request_.fetch.begin(), request_.fetch.end());
    for (const TapeObjective& objective : request_.objectives)
      open.insert(open.end(), objective.terms.begin(), objective.terms.end());
    while (!open.empty()) {
      const Port port = effective(open.back());
      open.pop_back();
      if (!port.valid() || fed(port) || !needed_.insert(port.node).second) continue;
      if (graph_.node(port.node).is_input()) {
        Diagnostic finding;
        finding.code = ErrorCode::bad_feed;
        finding.where = graph_.node(port.node).where;
        finding.message = fmt::format("the input '{}' is required here and is not fed", graph_.name_of(port));
        finding.hint = "give it a column of the data set, or --feed it";
        throw Error(std::move(finding));
      }
      for (Port input : graph_.node(port.node).inputs) {
        if (input.valid()) open.push_back(input);
      }
    }
  }

  std::vector<int> input_values(const GraphNode& node) const {
    std::vector<int> values;
    for (Port input : node.inputs) values.push_back(input.valid() ? value_of_.at(effective(input)) : -1);
    return values;
  }

  void forward(int index) {
    const GraphNode& node = graph_.node(index);
    std::vector<int> outputs;
    for (std::size_t k = 0; k < node.outputs.size(); ++k) {
      const Port port{index, static_cast<int>(k)};
      const auto it = value_of_.find(port);  // another port of a node with a fed port
      outputs.push_back(it != value_of_.end() && !fed(port) ? it->second : add_value(port, graph_.name_of(port)));
      if (!fed(port)) value_of_[port] = outputs.back();
    }
    if (node.contract().is_alias()) {
      tape_.values[static_cast<std::size_t>(outputs.front())].alias_of = value_of_.at(effective(node.inputs.front()));
      return;
    }
    TapeStep step;
    step.kind = TapeStep::Kind::forward;
    step.node = index;
    step.inputs = input_values(node);
    step.outputs = outputs;
    outputs_of_[index] = outputs;
    if (node.has_sums_over_batch(request_.training)) gather(step);
    tape_.steps.push_back(std::move(step));
  }

  int add_sums(int node, bool backward) {
    tape_.sums.push_back({node, backward});
    return static_cast<int>(tape_.sums.size()) - 1;
  }

  // What goes before the forward step of a node with sums over the batch.
  void gather(TapeStep& step) {
    step.sums = sums_of_[step.node] = add_sums(step.node, false);
    TapeStep gather = step, finish;
    gather.kind = TapeStep::Kind::gather;
    gather.outputs.assign(step.outputs.size(), -1);
    finish.kind = TapeStep::Kind::finish;
    finish.node = step.node;
    finish.sums = step.sums;
    tape_.steps.push_back(std::move(gather));
    tape_.steps.push_back(std::move(finish));
  }

  // What goes before its backward step, which is left out where nobody wants a gradient of an input: false.
  bool gather_backward(TapeStep& step) {
    step.sums = sums_of_.at(step.node);
    step.diff_sums = add_sums(step.node, true);
    TapeStep gather = step, finish;
    gather.kind = TapeStep::Kind::gather_backward;
    gather.diff_inputs.assign(step.diff_inputs.size(), -1);
    finish.kind = TapeStep::Kind::finish_backward;
    finish.node = step.node;
    finish.objective = step.objective;
    finish.diff_sums = step.diff_sums;
    step.gradient_slots.assign(step.gradient_slots.size(), -1);
    tape_.steps.push_back(std::move(gather));
    const bool wanted = std::ranges::any_of(step.diff_inputs, [](int value) { return value >= 0; });
    if (wanted) tape_.steps.push_back(std::move(finish));
    return wanted;
  }

  int term_value(Port term) {
    const Port port = effective(term);
    const Shape& shape = graph_.shape(port);
    if (shape.rank() == 1 && shape[0] == kBatch && graph_.dtype(port) == DType::f32) return value_of_.at(port);
    Diagnostic finding;
    finding.code = ErrorCode::bad_loss_shape;
    finding.where = graph_.node(term.node).where;
    finding.message = fmt::format("'{}' cannot be a loss term", graph_.name_of(term));
    finding.got = shape.text();
    finding.expected = "[N], nats per sample";
    finding.hint = "a loss node sums over the event and returns one value per sample";
    throw Error(std::move(finding));
  }

  // Whether the gradient of the current objective reaches any parameter upstream of a port.
  bool carries(Port port) const { return carrying_ports_.count(port) > 0; }

  bool wants_input(const GraphNode& node, std::size_t k) const {
    const Port source = node.inputs[k];
    return source.valid() && node.contract().input_at(static_cast<int>(k)).is_differentiable &&
           carries(effective(source));
  }

  void mark_carrying(int o, const std::set<std::string>& wanted) {
    carrying_ports_.clear();
    if (o == 0) carrying_ports_.insert(request_.input_gradients.begin(), request_.input_gradients.end());
    for (int index : graph_.order()) {
      if (needed_.count(index) == 0) continue;
      const GraphNode& node = graph_.node(index);
      bool any = std::any_of(node.parameters.begin(), node.parameters.end(),
                             [&](const GraphParameter& p) { return wanted.count(p.path) > 0; });
      for (std::size_t k = 0; k < node.inputs.size(); ++k) any = any || wants_input(node, k);
      if (!any) continue;
      for (int port = 0; port < static_cast<int>(node.outputs.size()); ++port) {
        const bool able = node.contract().outputs()[static_cast<std::size_t>(port)].is_differentiable;
        if (able && graph_.dtype({index, port}) == DType::f32 && !fed({index, port}))
          carrying_ports_.insert({index, port});
      }
    }
  }

  void differentiate(int o) {
    const TapeObjective& objective = request_.objectives[static_cast<std::size_t>(o)];
    std::map<std::string, int> slot_of;
    tape_.slots.emplace_back();
    for (const std::string& path : objective.parameters) {
      slot_of[path] = tape_.slot_count;
      tape_.slots.back().push_back(tape_.slot_count++);
    }
    std::set<std::string> wanted(objective.parameters.begin(), objective.parameters.end());
    mark_carrying(o, wanted);
    contributions_.clear();
    for (std::size_t t = 0; t < objective.terms.size(); ++t)
      seed(o, static_cast<int>(t), effective(objective.terms[t]));
    const std::vector<int>& order = graph_.order();
    for (auto it = order.rbegin(); it != order.rend(); ++it) {
      if (needed_.count(*it) > 0) backward(o, *it, slot_of);
    }
    if (o != 0) return;
    for (std::size_t i = 0; i < request_.input_gradients.size(); ++i) {
      tape_.input_gradient_values[i] = collect(o, request_.input_gradients[i]);
    }
  }

  void seed(int o, int term, Port port) {
    if (!carries(port)) return;
    TapeStep step;
    step.kind = TapeStep::Kind::seed;
    step.objective = o;
    step.term = term;
    step.outputs = {add_value(port, "d " + graph_.name_of(port))};
    contributions_[port].push_back(step.outputs.front());
    tape_.steps.push_back(std::move(step));
  }

  // Adds up the contributions to a port's gradient, in the order in which they were made.
  int collect(int o, Port port) {
    const auto it = contributions_.find(port);
    if (it == contributions_.end()) return -1;
    const std::vector<int>& parts = it->second;
    for (std::size_t i = 1; i < parts.size(); ++i) {
      TapeStep step;
      step.kind = TapeStep::Kind::sum;
      step.objective = o;
      step.inputs = {parts[i]};
      step.outputs = {parts[0]};
      tape_.steps.push_back(std::move(step));
    }
    return parts[0];
  }

  void backward(int o, int index, const std::map<std::string, int>& slot_of) {
    const GraphNode& node = graph_.node(index);
    bool any = false;
    for (int port = 0; port < static_cast<int>(node.outputs.size()); ++port) {
      any = any || (carries({index, port}) && contributions_.count({index, port}) > 0);
    }
    if (!any) return;
    TapeStep step;
    step.kind = TapeStep::Kind::backward;
    step.node = index;
    step.objective = o;
    for (int port = 0; port < static_cast<int>(node.outputs.size()); ++port)
      step.diff_outputs.push_back(collect(o, {index, port}));
    if (node.contract().is_alias()) return alias_backward(node, step.diff_outputs.front());
    keep_for_backward(node, step);
    for (std::size_t k = 0; k < node.inputs.size(); ++k) {
      step.diff_inputs.push_back(-1);
      if (!wants_input(node, k)) continue;
      const Port source = effective(node.inputs[k]);
      step.diff_inputs.back() = add_value(source, "d " + graph_.name_of(source));
      contributions_[source].push_back(step.diff_inputs.back());
    }
    step.gradient_slots.assign(node.contract().parameters().size(), -1);
    for (const GraphParameter& parameter : node.parameters) {
      const auto it = slot_of.find(parameter.path);
      if (it != slot_of.end()) step.gradient_slots[static_cast<std::size_t>(parameter.declaration)] = it->second;
    }
    const auto wanted = [](int value) { return value >= 0; };
    if (!node.ends_here.empty() &&
        (std::ranges::any_of(step.diff_inputs, wanted) || std::ranges::any_of(step.gradient_slots, wanted)))
      throw Error(no_second_derivative(node));
    if (node.has_sums_over_batch(request_.training) && !gather_backward(step)) return;
    tape_.steps.push_back(std::move(step));
  }

  void keep_for_backward(const GraphNode& node, TapeStep& step) {
    step.inputs = input_values(node);
    step.outputs = outputs_of_.at(step.node);
    const Contract& contract = node.contract();
    for (std::size_t k = 0; k < step.inputs.size(); ++k) {
      if (!contract.reads_in_backward(contract.input_at(static_cast<int>(k)).name, node.options)) step.inputs[k] = -1;
    }
    for (std::size_t k = 0; k < step.outputs.size(); ++k) {
      if (!contract.reads_in_backward(contract.outputs()[k].name, node.options)) step.outputs[k] = -1;
    }
  }

  void alias_backward(const GraphNode& node, int diff_output) {
    if (!wants_input(node, 0)) return;
    const Port source = effective(node.inputs.front());
    const int value = add_value(source, "d " + graph_.name_of(source));
    tape_.values[static_cast<std::size_t>(value)].alias_of = diff_output;
    contributions_[source].push_back(value);
  }

  const Graph& graph_;
  const TapeRequest& request_;
  Tape tape_;
  std::set<int> needed_;
  std::map<Port, int> value_of_;
  std::map<int, std::vector<int>> outputs_of_;
  std::map<int, int> sums_of_;  // per node with sums over the batch
  std::set<Port> carrying_ports_;
  std::map<Port, std::vector<int>> contributions_;
};

}  // namespace

int Tape::root(int value) const {
  while (values[static_cast<std::size_t>(value)].alias_of >= 0)
    value = values[static_cast<std::size_t>(value)].alias_of;
  return value;
}

Tape record_tape(const Graph& graph, const TapeRequest& request) { return Recorder(graph, request).record(); }

}  // namespace loom
