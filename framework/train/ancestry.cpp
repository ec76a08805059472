#include "train/ancestry.h"

namespace loom {

void Ancestry::add(Port port) {
  std::vector<Port> open = {port};
  while (!open.empty()) {
    const Port named = open.back(), next = graph_.effective(named, mode_ == Mode::training);
    open.pop_back();
    ports_.insert({named.node, named.index});
    ports_.insert({next.node, next.index});
    if (!nodes_.insert(next.node).second) continue;
    const GraphNode& node = graph_.node(next.node);
    if (stop_ && node.contract().role() == *stop_) continue;
    for (const Port input : node.inputs)
      if (input.valid()) open.push_back(input);
  }
}

std::vector<int> Ancestry::of_role(Role role) const {
  std::vector<int> found;
  for (const int node : nodes_)
    if (graph_.node(node).contract().role() == role) found.push_back(node);
  return found;
}

std::set<int> Ancestry::inputs() const {
  std::set<int> found;
  for (const int node : nodes_)
    if (graph_.node(node).is_input()) found.insert(node);
  return found;
}

}  // namespace loom
