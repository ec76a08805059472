#include "train/inherited.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "data/source.h"
#include "document/render.h"
#include "document/sections.h"

namespace loom {
namespace {

bool takes(const Contract& contract, const std::string& port) {
  if (contract.inputs().empty()) return contract.has_open_ports();
  return port.empty() || contract.has_open_ports() || contract.input_index(port) >= 0 ||
         (contract.variadic() && port == contract.inputs().front().name);
}

class Dropping {
 public:
  explicit Dropping(Document& document) : document_(document) {}

  void node(NodeEntry& entry, const Registry& registry) {
    const auto type = registry.node(entry.type);
    if (!type) return;
    std::vector<std::string> dropped = options(entry.options, type->contract);
    std::erase_if(entry.inputs, [&](const InputEntry& input) {
      const bool unknown = input.inherited && !takes(type->contract, input.port);
      if (unknown) dropped.push_back(input.port.empty() ? "in" : "in." + input.port);
      return unknown;
    });
    note(fmt::format("'{}'", entry.path), entry.type, dropped);
  }

  void typed(TypedEntry& entry, const Contract& contract, const std::string& what) {
    note(what, entry.type, options(entry.options, contract));
  }

  bool any() const { return any_; }

 private:
  static std::vector<std::string> options(std::map<std::string, OptionEntry>& entries, const Contract& contract) {
    const std::vector<std::string> known = contract.option_names();
    std::vector<std::string> dropped;
    std::erase_if(entries, [&](const auto& option) {
      const bool unknown = option.second.inherited && std::ranges::find(known, option.first) == known.end();
      if (unknown) dropped.push_back(option.first);
      return unknown;
    });
    return dropped;
  }

  void note(const std::string& what, const std::string& type, const std::vector<std::string>& dropped) {
    if (dropped.empty()) return;
    any_ = true;
    document_.notes.push_back(
        fmt::format("{} has another type than its parent's: {} does not know {}, which {} dropped", what, type,
                    fmt::join(dropped, ", "), dropped.size() > 1 ? "are" : "is"));
  }

  Document& document_;
  bool any_ = false;
};

}  // namespace

bool has_inherited(const Document& document) {
  const auto option = [](const auto& one) { return one.second.inherited; };
  const auto in_node = [&](const NodeEntry& node) {
    return std::ranges::any_of(node.options, option) || std::ranges::any_of(node.inputs, &InputEntry::inherited);
  };
  const auto in_draw = [&](const auto& draw) { return in_node(draw.second); };
  return std::ranges::any_of(document.nodes, in_node) || std::ranges::any_of(document.data.options, option) ||
         std::ranges::any_of(document.generate,
                             [&](const GenerateEntry& entry) { return std::ranges::any_of(entry.draws, in_draw); }) ||
         std::ranges::any_of(document.objectives, [&](const ObjectiveEntry& objective) {
           return std::ranges::any_of(objective.optimizer.options, option);
         });
}

void drop_inherited(Document& document, const Registry& registry) {
  Dropping dropping(document);
  for (NodeEntry& entry : document.nodes) dropping.node(entry, registry);
  for (GenerateEntry& entry : document.generate) {
    for (auto& [port, draw] : entry.draws) dropping.node(draw, registry);
  }
  if (registry.dataset(document.data.type))
    dropping.typed(document.data, data_contract(registry, document.data.type), "data");
  for (ObjectiveEntry& objective : document.objectives) {
    const auto type = registry.find<OptimizerType>(objective.optimizer.type);
    if (type) dropping.typed(objective.optimizer, type->contract, fmt::format("the optimizer of '{}'", objective.name));
  }
  if (dropping.any()) document.resolved = render_document(document);
}

}  // namespace loom
