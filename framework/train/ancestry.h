// What ports of a graph are computed from.
//
// Ownership: refers to the graph. Thread safety: one thread. Errors: none.
#pragma once

#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "graph/graph.h"

namespace loom {

class Ancestry {
 public:
  enum class Mode { evaluation, training };

  // `stop`: nodes of this role belong to it, and what they are computed from does not.
  explicit Ancestry(const Graph& graph, std::optional<Role> stop = {}) : graph_(graph), stop_(stop) {}
  Ancestry(const Graph& graph, Port port, std::optional<Role> stop = {}) : Ancestry(graph, stop) { add(port); }
  Ancestry(const Graph& graph, Mode mode) : graph_(graph), mode_(mode) {}
  Ancestry(const Graph& graph, Port port, Mode mode) : Ancestry(graph, mode) { add(port); }

  void block(int node) { nodes_.insert(node); }  // it and what only it depends on do not belong: before add()
  void add(Port port);

  bool has(Port port) const { return ports_.contains({port.node, port.index}); }  // the ports that were added, too
  const std::set<int>& nodes() const { return nodes_; }
  std::vector<int> of_role(Role role) const;
  std::set<int> inputs() const;  // input nodes of the graph

 private:
  const Graph& graph_;
  std::optional<Role> stop_ = {};
  Mode mode_ = Mode::evaluation;
  std::set<std::pair<int, int>> ports_;
  std::set<int> nodes_;
};

}  // namespace loom
