#include "train/frozen_front.h"

#include <algorithm>
#include <set>

namespace loom {
namespace {

class Front {
 public:
  Front(const Graph& graph, const ParameterStore& store, bool training) : graph_(graph) {
    parts_.resize(static_cast<std::size_t>(graph.size()), false);
    from_data_ = parts_;
    for (const int index : graph.order()) {
      const GraphNode& node = graph.node(index);
      bool inputs = true, data = node.is_input();
      for (const Port& input : node.inputs) {
        if (!input.valid()) continue;
        const auto source = static_cast<std::size_t>(graph.effective(input, training).node);
        inputs = inputs && parts_[source];
        data = data || from_data_[source];
      }
      const auto at = static_cast<std::size_t>(index);
      parts_[at] = node.is_input() || (inputs && is_fixed(node, store));
      from_data_[at] = data;
    }
  }

  bool has(int node) const { return parts_[static_cast<std::size_t>(node)]; }

  // Whether a port of the front can be kept: one value per sample, of a type that data can have.
  bool can_keep(Port port) const {
    if (!has(port.node) || graph_.node(port.node).is_input() || !from_data_[static_cast<std::size_t>(port.node)])
      return false;
    const Shape& shape = graph_.shape(port);
    const DType dtype = graph_.dtype(port);
    return shape.rank() > 0 && shape[0] == kBatch && (dtype == DType::f32 || dtype == DType::i32);
  }

 private:
  static bool is_fixed(const GraphNode& node, const ParameterStore& store) {
    const auto frozen = [&](const GraphParameter& parameter) {
      const Parameter& item = store.at(store.find(parameter.path));
      return item.frozen && item.follows < 0;
    };
    return node.frozen && node.scheduled.empty() && !node.contract().is_stochastic(false) &&
           !node.is_whole_batch(true) && std::ranges::all_of(node.parameters, frozen) &&
           std::ranges::all_of(node.states, frozen);
  }

  const Graph& graph_;
  std::vector<bool> parts_, from_data_;  // per node
};

}  // namespace

std::vector<Port> frozen_frontier(const Graph& graph, const ParameterStore& store, std::span<const Port> wanted,
                                  bool training) {
  const Front front(graph, store, training);
  std::set<Port> frontier;
  std::set<int> seen;
  std::vector<Port> open(wanted.begin(), wanted.end());
  while (!open.empty()) {
    const Port port = graph.effective(open.back(), training);
    open.pop_back();
    if (front.can_keep(port)) {
      frontier.insert(port);
    } else if (seen.insert(port.node).second) {
      for (const Port& input : graph.node(port.node).inputs) {
        if (input.valid()) open.push_back(input);
      }
    }
  }
  return {frontier.begin(), frontier.end()};
}

}  // namespace loom
