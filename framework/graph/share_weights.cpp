#include "graph/share_weights.h"

#include <fmt/format.h>

namespace loom {
namespace {

class Sharing {
 public:
  Sharing(std::vector<GraphNode>& nodes, const std::vector<const NodeEntry*>& entries,
          const std::map<std::string, int>& index, Diagnostics& diagnostics)
      : nodes_(nodes), entries_(entries), index_(index), diagnostics_(diagnostics) {}

  void share_all() {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (entries_[i]->weights.empty() || !nodes_[i].type || has_nothing_to_share(i)) continue;
      const int owner = owner_of(i);
      if (owner >= 0) share(nodes_[i], nodes_[static_cast<std::size_t>(owner)], *entries_[i]);
    }
  }

 private:
  // A node without weights, in a block that shares those of another one: it needs no partner.
  bool has_nothing_to_share(std::size_t i) const {
    const GraphNode& node = nodes_[i];
    if (node.outputs.empty() || !node.parameters.empty() || !node.states.empty()) return false;
    const std::string& owner = entries_[i]->weights;
    if (index_.count(owner) > 0) return true;
    // In the block, or in one around it where this one has blocks that the other has not.
    for (std::size_t slash = owner.rfind('/'); slash != std::string::npos; slash = owner.rfind('/', slash - 1)) {
      const std::string folder = owner.substr(0, slash + 1);
      const auto other = index_.lower_bound(folder);
      if (other != index_.end() && other->first.starts_with(folder)) return true;
      if (slash == 0) break;
    }
    return false;
  }

  // The end of the chain of `weights:`, or -1 with a diagnostic.
  int owner_of(std::size_t i) {
    std::size_t at = i;
    for (std::size_t steps = 0; !entries_[at]->weights.empty(); ++steps) {
      const auto it = index_.find(entries_[at]->weights);
      if (it == index_.end()) {
        if (at == i) report_unknown(*entries_[i]);
        return -1;  // an error further along the chain is reported for that node
      }
      at = static_cast<std::size_t>(it->second);
      if (at != i && steps <= nodes_.size()) continue;
      diagnostics_
          .add(ErrorCode::bad_weight_sharing, entries_[i]->weights_where,
               fmt::format("'{}' would take its weights from itself", nodes_[i].path))
          .expected = "a node that owns its weights";
      return -1;
    }
    return static_cast<int>(at);
  }

  void report_unknown(const NodeEntry& entry) {
    Diagnostic& finding = diagnostics_.add(ErrorCode::bad_weight_sharing, entry.weights_where,
                                           fmt::format("there is no node '{}' to share weights with", entry.weights));
    finding.expected = "a node of the same type, or one that has all parameters and states that this one needs";
    std::vector<std::string> paths;
    for (const auto& [path, n] : index_) paths.push_back(path);
    finding.suggestion = nearest_name(entry.weights, paths);
  }

  void share(GraphNode& node, const GraphNode& owner, const NodeEntry& entry) {
    const auto fits = [&](const std::vector<GraphParameter>& mine, const std::vector<GraphParameter>& theirs) {
      bool same = owner.type == node.type && mine.size() == theirs.size();
      for (std::size_t k = 0; same && k < mine.size(); ++k) same = mine[k].shape == theirs[k].shape;
      return same;
    };
    std::string disagreement;
    const bool agreed = owner.type == node.type && agree(node, owner, disagreement);
    if (agreed && fits(node.parameters, owner.parameters) && fits(node.states, owner.states)) {
      for (std::size_t k = 0; k < node.parameters.size(); ++k) node.parameters[k].path = owner.parameters[k].path;
      for (std::size_t k = 0; k < node.states.size(); ++k) {
        if (!is_own(node, node.states[k])) node.states[k].path = owner.states[k].path;
      }
      return;
    }
    if (owner.type != node.type && borrow(node, owner, disagreement)) return;
    if (node.outputs.empty() || owner.outputs.empty()) return;  // a separate diagnostic explains why
    Diagnostic& finding = diagnostics_.add(ErrorCode::bad_weight_sharing, entry.weights_where,
                                           fmt::format("'{}' cannot use the weights of '{}'", node.path, owner.path));
    finding.got = describe(owner);
    finding.expected = describe(node);
    finding.hint = disagreement;
    finding.other = owner.where;
    finding.other_role = "the owner of the weights";
  }

  static bool is_own(const GraphNode& node, const GraphParameter& state) {
    return node.contract().states()[static_cast<std::size_t>(state.declaration)].is_own;
  }

  // Options that belong to the weights are the same at both nodes.
  static bool agree(const GraphNode& node, const GraphNode& owner, std::string& disagreement) {
    for (const OptionDeclaration& option : node.contract().options()) {
      if (!option.belongs_to_weights || !node.options.has(option.name) || !owner.options.has(option.name)) continue;
      const auto &mine = node.options.values().at(option.name), &theirs = owner.options.values().at(option.name);
      if (mine == theirs) continue;
      disagreement = fmt::format("{}: {}, as the owner has it", option.name, theirs.text());
      return false;
    }
    return true;
  }

  // Sharing with a node of another type: the owner must have everything that the node needs, as a parameter or a state
  // with the same name and shape, and options of the same name that take words must be equal.
  static bool borrow(GraphNode& node, const GraphNode& owner, std::string& disagreement) {
    if (node.parameters.empty() && node.states.empty()) return false;
    std::vector<std::pair<GraphParameter*, const std::string*>> found;
    for (std::vector<GraphParameter>* mine : {&node.parameters, &node.states}) {
      for (GraphParameter& parameter : *mine) {
        if (mine == &node.states && is_own(node, parameter)) continue;
        const GraphParameter* theirs = find(owner, name_of(node, parameter, mine == &node.states));
        if (theirs == nullptr || !(theirs->shape == parameter.shape)) return false;
        found.emplace_back(&parameter, &theirs->path);
      }
    }
    for (const auto& [name, value] : node.options.values()) {
      if (!node.options.is_text(name) || !owner.options.has(name) || !owner.options.is_text(name)) continue;
      if (node.options.text(name) == owner.options.text(name)) continue;
      disagreement = fmt::format("{}: {}, as the owner has it", name, owner.options.text(name));
      return false;
    }
    for (const auto& [parameter, path] : found) parameter->path = *path;
    return true;
  }

  static const GraphParameter* find(const GraphNode& node, const std::string& name) {
    for (const std::vector<GraphParameter>* parameters : {&node.parameters, &node.states}) {
      for (const GraphParameter& parameter : *parameters) {
        if (name_of(node, parameter, parameters == &node.states) == name) return &parameter;
      }
    }
    return nullptr;
  }

  static const std::string& name_of(const GraphNode& node, const GraphParameter& parameter, bool state) {
    const Contract& contract = node.contract();
    return (state ? contract.states() : contract.parameters())[static_cast<std::size_t>(parameter.declaration)].name;
  }

  // "linear with weight [3, 4], bias [3]"
  static std::string describe(const GraphNode& node) {
    std::string text;
    const auto add = [&](const std::vector<GraphParameter>& parameters, bool state) {
      for (const GraphParameter& parameter : parameters) {
        text += text.empty() ? " with " : ", ";
        text += name_of(node, parameter, state) + " " + parameter.shape.text();
      }
    };
    add(node.parameters, false);
    add(node.states, true);
    return node.type->name + (text.empty() ? ", which has no weights" : text);
  }

  std::vector<GraphNode>& nodes_;
  const std::vector<const NodeEntry*>& entries_;
  const std::map<std::string, int>& index_;
  Diagnostics& diagnostics_;
};

}  // namespace

void share_weights(std::vector<GraphNode>& nodes, const std::vector<const NodeEntry*>& entries,
                   const std::map<std::string, int>& index, Diagnostics& diagnostics) {
  Sharing(nodes, entries, index, diagnostics).share_all();
}

}  // namespace loom
