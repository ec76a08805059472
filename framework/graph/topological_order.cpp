#include "graph/topological_order.h"

#include <algorithm>
#include <queue>

namespace loom {
namespace {

class Sorter {
 public:
  Sorter(const std::vector<GraphNode>& nodes, const std::vector<SizeEdge>& sizes, Diagnostics& diagnostics)
      : nodes_(nodes),
        diagnostics_(diagnostics),
        waiting_(nodes.size(), 0),
        sources_(nodes.size()),
        consumers_(nodes.size()) {
    for (int i = 0; i < static_cast<int>(nodes.size()); ++i) {
      for (const Port& input : node(i).inputs)
        if (input.valid()) connect(i, input.node);
    }
    for (const SizeEdge& size : sizes) connect(size.node, size.source);
  }

  std::vector<int> sort() {
    for (int i = 0; i < static_cast<int>(nodes_.size()); ++i) {
      if (waiting(i) == 0) ready_.push(i);
    }
    std::vector<int> order;
    take_ready(&order);
    for (int i = 0; i < static_cast<int>(nodes_.size()); ++i) {
      while (waiting(i) > 0) {
        break_circle(i);
        take_ready(nullptr);
      }
    }
    return order;
  }

 private:
  const GraphNode& node(int i) const { return nodes_[static_cast<std::size_t>(i)]; }
  const std::vector<int>& sources(int i) const { return sources_[static_cast<std::size_t>(i)]; }

  void connect(int i, int source) {
    ++waiting(i);
    sources_[static_cast<std::size_t>(i)].push_back(source);
    consumers_[static_cast<std::size_t>(source)].push_back(i);
  }

  int& waiting(int i) { return waiting_[static_cast<std::size_t>(i)]; }

  // Kahn's algorithm, taking the earliest entry first, so that the order follows the document.
  void take_ready(std::vector<int>* order) {
    while (!ready_.empty()) {
      const int i = ready_.top();
      ready_.pop();
      if (order != nullptr) order->push_back(i);
      release_consumers(i);
    }
  }

  void release_consumers(int i) {
    for (const int consumer : consumers_[static_cast<std::size_t>(i)]) {
      if (waiting(consumer) > 0 && --waiting(consumer) == 0) ready_.push(consumer);
    }
  }

  // Walks back along unfinished sources until a node repeats: that loop is a cycle. Its nodes then count as done, so
  // that other cycles are found, and nodes that only depend on this one are not reported as a cycle.
  void break_circle(int at) {
    std::vector<int> path;
    std::vector<bool> seen(nodes_.size(), false);
    while (!seen[static_cast<std::size_t>(at)]) {
      seen[static_cast<std::size_t>(at)] = true;
      path.push_back(at);
      for (const int source : sources(at)) {
        if (waiting(source) > 0) {
          at = source;
          break;
        }
      }
    }
    path.erase(path.begin(), std::find(path.begin(), path.end(), at));
    std::reverse(path.begin(), path.end());
    std::rotate(path.begin(), std::min_element(path.begin(), path.end()), path.end());
    report(path);
    for (const int i : path) waiting(i) = 0;
    for (const int i : path) release_consumers(i);
  }

  bool reads(int i, int source) const {
    return std::ranges::any_of(node(i).inputs, [&](const Port& input) { return input.node == source; });
  }

  void report(const std::vector<int>& path) {
    bool feeds = true;
    for (std::size_t i = 0; i < path.size(); ++i) feeds = feeds && reads(path[(i + 1) % path.size()], path[i]);
    Diagnostic& finding = diagnostics_.add(
        ErrorCode::cycle, node(path.front()).where,
        feeds ? "the nodes feed each other in a cycle" : "the sizes follow from each other in a cycle");
    constexpr std::size_t kShown = 12;
    for (std::size_t i = 0; i < std::min(path.size(), kShown); ++i) finding.got += node(path[i]).path + " -> ";
    if (path.size() > kShown) finding.got += "... -> ";
    finding.got += node(path.front()).path;
    finding.expected = "sources that do not depend on the node itself";
    finding.hint = feeds ? "to use a value at an earlier position, use a causal node, not a cycle"
                         : "shape(PORT, AXIS) needs a port whose shape is known without the node that asks";
    if (path.size() < 2) return;
    finding.other = node(path.back()).where;
    finding.other_role = "closed by '" + node(path.back()).path + "'";
  }

  const std::vector<GraphNode>& nodes_;
  Diagnostics& diagnostics_;
  std::vector<int> waiting_;
  std::vector<std::vector<int>> sources_, consumers_;
  std::priority_queue<int, std::vector<int>, std::greater<>> ready_;
};

}  // namespace

std::vector<int> topological_order(const std::vector<GraphNode>& nodes, const std::vector<SizeEdge>& sizes,
                                   Diagnostics& diagnostics) {
  return Sorter(nodes, sizes, diagnostics).sort();
}

}  // namespace loom
