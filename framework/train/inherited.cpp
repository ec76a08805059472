#include "train/inherited.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "data/source.h"
#include "document/inherited_entry.h"
#include "document/render.h"
#include "document/sections.h"
#include "train/check_document.h"

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

  // Where the graph has errors of its own, they are reported and nothing is dropped.
  void generate(const Registry& registry) {
    Diagnostics findings;
    if (!std::ranges::any_of(document_.generate,
                             [&](const auto& entry) { return is_of_parent(document_.file, entry); }) ||
        !build_graph(document_.nodes, registry, findings) || !findings.empty())
      return;
    std::vector<std::string> dropped;
    for (const GenerateEntry& entry : document_.generate) {
      if (!is_of_parent(document_.file, entry)) continue;
      const std::string reason = unfit(entry, registry);
      if (reason.empty()) continue;
      dropped.push_back(entry.name);
      note(dropped_note(entry, reason));
    }
    std::erase_if(document_.generate,
                  [&](const GenerateEntry& entry) { return std::ranges::find(dropped, entry.name) != dropped.end(); });
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
    if (!dropped.empty())
      note(fmt::format("{} has another type than its parent's: {} does not know {}, which {} dropped", what, type,
                       fmt::join(dropped, ", "), dropped.size() > 1 ? "are" : "is"));
  }
  void note(std::string text) {
    any_ = true;
    document_.notes.push_back(std::move(text));
  }

  // Why an entry cannot be; "": it can.
  std::string unfit(const GenerateEntry& entry, const Registry& registry) const {
    try {
      require_complete(document_, entry, registry);
      return "";
    } catch (const Error& error) {
      return error.diagnostics().empty() ? error.what() : error.diagnostics().front().message;
    }
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
                             [&](const GenerateEntry& entry) {
                               return is_of_parent(document.file, entry) || std::ranges::any_of(entry.draws, in_draw);
                             }) ||
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
  dropping.generate(registry);
  if (dropping.any()) document.resolved = render_document(document);
}

}  // namespace loom
