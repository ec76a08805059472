#include "graph/follow_weights.h"

#include <fmt/format.h>

#include <algorithm>

namespace loom {
namespace {

class Following {
 public:
  Following(std::vector<GraphNode>& nodes, const std::vector<const NodeEntry*>& entries,
            const std::map<std::string, int>& index, Diagnostics& diagnostics)
      : nodes_(nodes), entries_(entries), index_(index), diagnostics_(diagnostics) {}

  void follow(std::size_t i) {
    const AverageEntry& average = entries_[i]->average;
    GraphNode& node = nodes_[i];
    if (average.of.empty() || !node.type || node.outputs.empty()) return;
    node.frozen = true;
    const GraphNode* followed = find(i, average);
    if (followed == nullptr || !followed->type || followed->outputs.empty()) return;
    const Contract &mine = node.contract(), &theirs = followed->contract();
    if (!match(node.parameters, mine.parameters(), followed->parameters, theirs.parameters(), average.decay) ||
        !match(node.states, mine.states(), followed->states, theirs.states(), average.decay))
      refuse(node, *followed, average);
  }

 private:
  // The node that is followed, which must not follow this one.
  const GraphNode* find(std::size_t i, const AverageEntry& average) {
    std::size_t at = i;
    for (std::size_t steps = 0; !entries_[at]->average.of.empty() && steps <= nodes_.size(); ++steps) {
      const auto it = index_.find(entries_[at]->average.of);
      if (it == index_.end()) {
        if (at == i && has_values(nodes_[i])) report_unknown(nodes_[i], average);
        return nullptr;
      }
      at = static_cast<std::size_t>(it->second);
      if (at == i) {
        diagnostics_
            .add(ErrorCode::bad_weight_sharing, average.where,
                 fmt::format("'{}' would be the average of itself", nodes_[i].path))
            .expected = "a node that is trained";
        return nullptr;
      }
    }
    return &nodes_[static_cast<std::size_t>(index_.at(average.of))];
  }

  static bool has_values(const GraphNode& node) { return !node.parameters.empty() || !node.states.empty(); }

  void report_unknown(const GraphNode& node, const AverageEntry& average) {
    Diagnostic& finding =
        diagnostics_.add(ErrorCode::bad_weight_sharing, average.where,
                         fmt::format("'{}' would follow '{}', and there is no such node", node.path, average.of));
    finding.expected = "a node with the same parameters";
    std::vector<std::string> paths;
    for (const auto& [path, n] : index_) paths.push_back(path);
    finding.suggestion = nearest_name(average.of, paths);
  }

  using Declared = std::vector<ParameterDeclaration>;

  static const std::string& name_of(const Declared& declared, const GraphParameter& parameter) {
    return declared[static_cast<std::size_t>(parameter.declaration)].name;
  }

  // Each value follows the one of the same name and shape.
  static bool match(std::vector<GraphParameter>& mine, const Declared& my_names,
                    const std::vector<GraphParameter>& theirs, const Declared& their_names, double decay) {
    for (GraphParameter& parameter : mine) {
      const auto same = std::ranges::find_if(theirs, [&](const GraphParameter& other) {
        return name_of(their_names, other) == name_of(my_names, parameter) && other.shape == parameter.shape;
      });
      if (same == theirs.end()) return false;
      parameter.follows = same->path;
      parameter.decay = decay;
    }
    return true;
  }

  void refuse(const GraphNode& node, const GraphNode& followed, const AverageEntry& average) {
    const auto text = [](const GraphNode& one) {
      std::string all = one.type->name;
      for (const GraphParameter& parameter : one.parameters)
        all += fmt::format(" {} {}", name_of(one.contract().parameters(), parameter), parameter.shape.text());
      return all;
    };
    Diagnostic& finding = diagnostics_.add(ErrorCode::bad_weight_sharing, average.where,
                                           fmt::format("'{}' cannot be the average of '{}'", node.path, followed.path));
    finding.got = text(followed);
    finding.expected = text(node);
    finding.other = followed.where;
    finding.other_role = "followed";
  }

  std::vector<GraphNode>& nodes_;
  const std::vector<const NodeEntry*>& entries_;
  const std::map<std::string, int>& index_;
  Diagnostics& diagnostics_;
};

}  // namespace

void follow_weights(std::vector<GraphNode>& nodes, const std::vector<const NodeEntry*>& entries,
                    const std::map<std::string, int>& index, Diagnostics& diagnostics) {
  Following following(nodes, entries, index, diagnostics);
  for (std::size_t i = 0; i < nodes.size(); ++i) following.follow(i);
}

}  // namespace loom
