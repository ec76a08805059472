#include "train/gradient_paths.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/pattern.h"
#include "graph/gradient.h"
#include "loom/error.h"

namespace loom {
namespace {

// Whether a gradient can leave a port towards the inputs of its node.
bool carries(const Graph& graph, Port port) {
  return graph.node(port.node).contract().outputs()[static_cast<std::size_t>(port.index)].is_differentiable &&
         graph.dtype(port) == DType::f32;
}

// A place where a gradient ends although something upstream could be trained.
struct Cut {
  int node = -1;
  std::string what;
  bool on_purpose = false;  // a stop_gradient
};

class Paths {
 public:
  Paths(const Graph& graph, const ParameterStore& store) : graph_(graph), store_(store) {}

  // False where the gradient of `term` reaches something to train; otherwise `cuts` says where it ends.
  bool trains_nothing(Port term, std::vector<Cut>& cuts) {
    std::set<int> seen;
    std::vector<Port> open = {graph_.effective(term, true)};
    while (!open.empty()) {
      const Port port = open.back();
      open.pop_back();
      if (!carries(graph_, port)) {
        add_cut({port.node, fmt::format("'{}' has no gradient", graph_.name_of(port)), false}, {port}, cuts);
        continue;
      }
      if (!seen.insert(port.node).second) continue;
      const GraphNode& node = graph_.node(port.node);
      if (is_trained(node)) return false;
      for (std::size_t k = 0; k < node.inputs.size(); ++k) {
        if (!node.inputs[k].valid()) continue;
        const Port source = graph_.effective(node.inputs[k], true);
        if (node.contract().input_at(static_cast<int>(k)).is_differentiable) {
          open.push_back(source);
          continue;
        }
        add_cut({port.node,
                 fmt::format("the input '{}' of '{}' ({}) takes no gradient",
                             node.contract().input_name(static_cast<int>(k)), node.path, node.type->name),
                 node.contract().is_alias()},
                {source}, cuts);
      }
    }
    return true;
  }

 private:
  bool is_trained(const GraphNode& node) const {
    const auto trained = [&](const GraphParameter& p) { return !store_.at(store_.find(p.path)).frozen; };
    return std::ranges::any_of(node.parameters, trained) || (node.trains(true) && !node.tallies.empty());
  }

  void add_cut(Cut cut, std::vector<Port> open, std::vector<Cut>& cuts) {
    std::set<int> seen;
    while (!open.empty()) {
      const Port port = open.back();
      open.pop_back();
      if (!seen.insert(port.node).second) continue;
      const GraphNode& node = graph_.node(port.node);
      if (is_trained(node)) return cuts.push_back(std::move(cut));
      for (const Port input : node.inputs) {
        if (input.valid()) open.push_back(graph_.effective(input, true));
      }
    }
  }

  const Graph& graph_;
  const ParameterStore& store_;
};

// Whether an objective minimizes the term with a weight that is not always 0.
bool is_minimized(const TrainingPlan& plan, int term) {
  for (const Objective& objective : plan.objectives) {
    for (std::size_t k = 0; k < objective.terms.size(); ++k) {
      if (objective.terms[k] != term) continue;
      const auto nothing = [](const ScheduledValue& weight) { return weight.is_constant() && weight.value(0) == 0; };
      if (std::ranges::none_of(objective.weights[k], nothing)) return true;
    }
  }
  return false;
}

void report(const LossEntry& loss, const Graph& graph, const Port& term, const std::vector<Cut>& cuts,
            Diagnostics& diagnostics) {
  const GraphNode& node = graph.node(term.node);
  Diagnostic& finding = diagnostics.add(
      ErrorCode::not_differentiable, loss.port_where.known() ? loss.port_where : loss.where,
      fmt::format("[{}] the loss '{}' trains nothing: its gradient reaches no parameter", node.type->name, loss.name));
  finding.got = cuts.front().what;
  finding.expected = "a gradient path from the loss to a parameter that is not frozen";
  finding.hint = "with weight: 0 or when: eval it is a figure that is reported, and no loss";
  finding.add_end(graph.node(cuts.front().node).where, "the gradient ends here");
}

// Whether a gradient that reaches a node is wanted there, or further on, by parameters of an objective.
bool is_wanted(const Graph& graph, const std::set<std::string>& parameters, int node) {
  std::vector<Port> ports;
  for (int k = 0; k < static_cast<int>(graph.node(node).outputs.size()); ++k) ports.push_back({node, k});
  return std::ranges::any_of(reached_parameters(graph, ports),
                             [&](const std::string& path) { return parameters.count(path) > 0; });
}

// Gradients that a loss reads are differentiated by parameters.
void check_second_derivatives(const Graph& graph, const ParameterStore& store, const TrainingPlan& plan,
                              Diagnostics& diagnostics) {
  std::set<std::string> reported;
  for (const Objective& objective : plan.objectives) {
    std::set<std::string> parameters;
    for (const int i : objective.parameters) parameters.insert(store.at(i).path);
    std::vector<Port> terms;
    for (const int term : objective.terms) terms.push_back(plan.terms[static_cast<std::size_t>(term)].port);
    for (const int index : reached_nodes(graph, terms)) {
      const GraphNode& node = graph.node(index);
      if (node.ends_here.empty() || !is_wanted(graph, parameters, index)) continue;
      Diagnostic finding = no_second_derivative(node);
      if (!reported.insert(finding.message).second) continue;
      const int source = graph.find(node.drawn_as);
      if (source >= 0) finding.add_end(graph.node(source).where, fmt::format("'{}'", node.drawn_as));
      diagnostics.add(Error(std::move(finding)));
    }
  }
}

bool may_change(const ObjectiveEntry& objective, const GraphNode& node) {
  if (objective.parameters.empty()) return true;
  const auto matched = [&](const GraphParameter& value) { return matches_any(objective.parameters, value.path); };
  return std::ranges::any_of(node.parameters, matched) || std::ranges::any_of(node.states, matched);
}

}  // namespace

std::set<int> reached_nodes(const Graph& graph, const std::vector<Port>& terms) {
  std::set<int> seen;
  std::vector<Port> open;
  for (const Port& term : terms) open.push_back(graph.effective(term, true));
  while (!open.empty()) {
    const Port port = open.back();
    open.pop_back();
    const GraphNode& node = graph.node(port.node);
    if (!node.contract().outputs()[static_cast<std::size_t>(port.index)].is_differentiable ||
        !seen.insert(port.node).second)
      continue;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i].valid() && node.contract().input_at(static_cast<int>(i)).is_differentiable) {
        open.push_back(graph.effective(node.inputs[i], true));
      }
    }
  }
  return seen;
}

std::set<std::string> reached_parameters(const Graph& graph, const std::vector<Port>& terms) {
  std::set<std::string> paths;
  for (const int index : reached_nodes(graph, terms)) {
    for (const GraphParameter& parameter : graph.node(index).parameters) paths.insert(parameter.path);
  }
  return paths;
}

void check_gradients(const Document& document, const Graph& graph, const ParameterStore& store, TrainingPlan& plan,
                     Diagnostics& diagnostics) {
  check_second_derivatives(graph, store, plan, diagnostics);
  Paths paths(graph, store);
  for (std::size_t t = 0; t < plan.terms.size(); ++t) {
    if (!is_minimized(plan, static_cast<int>(t))) continue;
    std::vector<Cut> cuts;
    if (!paths.trains_nothing(plan.terms[t].port, cuts)) continue;
    const bool on_purpose = std::ranges::all_of(cuts, &Cut::on_purpose);  // or there is no cut
    if (!on_purpose) {
      report(document.losses[t], graph, plan.terms[t].port, cuts, diagnostics);
      continue;
    }
    plan.notes.push_back(
        cuts.empty()
            ? fmt::format("the loss '{}' depends on nothing that is trained: it is only reported", plan.terms[t].name)
            : fmt::format("the loss '{}' trains nothing, since {}", plan.terms[t].name, cuts.front().what));
  }
}

std::vector<int> still_nodes(const std::vector<ObjectiveEntry>& objectives, const Graph& graph) {
  std::vector<int> still;
  if (objectives.empty()) return still;
  for (int i = 0; i < graph.size(); ++i) {
    const GraphNode& node = graph.node(i);
    if (node.frozen || !node.moves_values()) continue;
    const bool changed = std::ranges::any_of(objectives, [&](const auto& entry) { return may_change(entry, node); });
    if (!changed) still.push_back(i);
  }
  return still;
}

bool moves_states(const ObjectiveEntry& objective, const Graph& graph, const std::vector<Port>& terms) {
  const std::set<int> reached = reached_nodes(graph, terms);
  return std::ranges::any_of(reached, [&](int index) {
    const GraphNode& node = graph.node(index);
    return !node.frozen && !node.tallies.empty() && node.moves_values() && may_change(objective, node);
  });
}

}  // namespace loom
