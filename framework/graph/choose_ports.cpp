#include "graph/choose_ports.h"

#include <fmt/format.h>

namespace loom {
namespace {

// Where an option stands: "y", "outputs.log_det".
Location place_of_option(const std::string& option, const NodeEntry& entry) {
  const std::size_t dot = option.find('.');
  const auto it = entry.options.find(option.substr(0, dot));
  if (it == entry.options.end()) return entry.where;
  const auto& members = it->second.members;
  const auto member = dot == std::string::npos ? members.end() : members.find(option.substr(dot + 1));
  return member == members.end() ? it->second.where : member->second;
}

}  // namespace

bool options_known(const GraphNode& node) {
  for (const OptionDeclaration& declared : node.contract().options()) {
    const bool value_expected = declared.required || !declared.default_value.empty();
    if (value_expected && !node.options.has(declared.name)) return false;
  }
  return true;
}

void choose_ports(GraphNode& node, const NodeEntry& entry, Diagnostics& diagnostics) {
  if (!node.type->ports) return;
  for (const auto& [name, given] : entry.options) {
    if (!node.options.has(name) && !given.inherited) return node.type.reset();  // it is wrong, and reported
  }
  std::vector<std::string> inputs;
  for (const InputEntry& input : entry.inputs) {
    if (!input.port.empty()) {
      inputs.push_back(input.port);
      continue;
    }
    Diagnostic& finding = diagnostics.add(ErrorCode::unknown_port, input.where,
                                          fmt::format("[{}] '{}': its inputs have names", entry.type, entry.path));
    finding.expected = "in: {NAME: source}";
    return node.type.reset();
  }
  try {
    node.type = NodeType::with_ports(node.type, {node.options, std::move(inputs)});
  } catch (const Error& error) {
    add_placed(error, node, entry, diagnostics);
    node.type.reset();
  }
}

void add_placed(const Error& error, const GraphNode& node, const NodeEntry& entry, Diagnostics& diagnostics) {
  for (Diagnostic finding : error.diagnostics()) {
    if (!finding.where.known()) finding.where = place_of_option(finding.option, entry);
    finding.message = fmt::format("[{}] '{}': {}", node.type->name, node.path, finding.message);
    diagnostics.add(Error(std::move(finding)));
  }
}

}  // namespace loom
