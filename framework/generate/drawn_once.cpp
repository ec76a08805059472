#include "generate/drawn_once.h"

#include <algorithm>

namespace loom {
namespace {

bool has(std::span<const Port> ports, Port port) { return std::ranges::find(ports, port) != ports.end(); }

struct Kind {
  bool changes = false;  // with the state
  bool random = false;   // it is drawn, or computed from what is drawn
};

class Kinds {
 public:
  Kinds(const Graph& graph, std::span<const Port> changing, std::span<const Port> fed)
      : graph_(graph), changing_(changing), fed_(fed), kinds_(static_cast<std::size_t>(graph.size())) {
    for (const int index : graph.order()) {
      const GraphNode& node = graph.node(index);
      Kind& kind = kinds_[static_cast<std::size_t>(index)];
      kind.random = node.contract().is_stochastic(false);
      for (const Port input : node.inputs) {
        if (!input.valid()) continue;
        const Kind of = of_port(input);
        kind.changes = kind.changes || of.changes;
        kind.random = kind.random || of.random;
      }
    }
  }

  bool is_value(Port port) const { return has(changing_, port) || has(fed_, port); }
  Kind of_port(Port named) const {
    for (const Port port : {named, graph_.effective(named, false)}) {
      if (has(changing_, port)) return {true, false};
      if (has(fed_, port)) return {};
    }
    return kinds_[static_cast<std::size_t>(graph_.effective(named, false).node)];
  }

 private:
  const Graph& graph_;
  std::span<const Port> changing_, fed_;
  std::vector<Kind> kinds_;
};

}  // namespace

std::vector<Port> drawn_once(const Graph& graph, Port by, std::span<const Port> changing, std::span<const Port> fed) {
  const Kinds kinds(graph, changing, fed);
  std::vector<Port> once, open = {by}, seen;
  while (!open.empty()) {
    const Port named = open.back(), port = graph.effective(named, false);
    open.pop_back();
    if (has(seen, named) || kinds.is_value(named) || kinds.is_value(port)) continue;
    seen.push_back(named);
    const Kind kind = kinds.of_port(port);
    if (kind.changes) {
      for (const Port input : graph.node(port.node).inputs)
        if (input.valid()) open.push_back(input);
    } else if (kind.random && !has(once, port)) {
      once.push_back(port);
    }
  }
  std::ranges::sort(once);
  return once;
}

}  // namespace loom
