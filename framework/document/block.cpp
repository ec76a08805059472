#include "document/block.h"

#include <fmt/format.h>

#include <algorithm>

namespace loom {
namespace {

// What can be connected: the inputs that a block declares, or the nodes of a graph that have no source.
struct Ends {
  std::string what;  // "the block"
  std::vector<std::string> names;
  Location where;
};

void bind_inputs(const Ends& ends, const Value* in, Scope& scope, Diagnostics& diagnostics) {
  const std::vector<std::string>& names = ends.names;
  const auto bind = [&](const std::string& name, const Value& source, const Location& where) {
    if (source.is_null()) return;
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      Diagnostic& finding = diagnostics.add(
          ErrorCode::unknown_port, where,
          name.empty() ? fmt::format("{} takes {}", ends.what, names.empty() ? "no input" : "no further input")
                       : fmt::format("{} has no input '{}'", ends.what, name));
      for (const std::string& one : names) finding.expected += (finding.expected.empty() ? "one of " : ", ") + one;
      if (names.empty()) finding.expected = "no `in`";
      finding.suggestion = nearest_name(name, names);
      finding.other = ends.where;
      finding.other_role = ends.what;
      return;
    }
    const bool good = source.kind == Value::Kind::scalar && !source.broken;
    if (!good) wrong_type(source, fmt::format("the input '{}'", name), "a node, or node.port", diagnostics);
    scope.inputs[name] = good ? source.scalar : "";
  };
  const auto name_at = [&](std::size_t i) { return i < names.size() ? names[i] : std::string(); };
  if (in != nullptr && in->is_map()) {
    for (const Member& port : in->members) bind(port.key, port.value, port.where);
  } else if (in != nullptr && in->kind == Value::Kind::sequence) {
    for (std::size_t i = 0; i < in->items.size(); ++i) bind(name_at(i), in->items[i], in->items[i].where);
  } else if (in != nullptr) {
    bind(name_at(0), *in, in->where);
  }
}

}  // namespace

std::vector<std::string> declared_inputs(const Value* declared, const char* of, Diagnostics& diagnostics) {
  std::vector<std::string> names;
  if (declared == nullptr) return names;
  if (declared->kind != Value::Kind::sequence) wrong_type(*declared, "inputs", "a list of names", diagnostics);
  for (const Value& name : declared->items) {
    if (name.kind != Value::Kind::scalar)
      wrong_type(name, fmt::format("an input of the {}", of), "a name", diagnostics);
    else if (std::ranges::find(names, name.scalar) != names.end())
      diagnostics.add(ErrorCode::duplicate_key, name.where, fmt::format("the {} has two inputs '{}'", of, name.scalar))
          .expected = "a name for each input";
    else
      names.push_back(name.scalar);
  }
  return names;
}

void bind_graph_inputs(const Value& nodes, const Value* in, Scope& scope, Diagnostics& diagnostics) {
  Ends ends{"the graph", {}, nodes.where.known() ? nodes.where : Location{scope.file, 1, 1}};
  for (const Member& node : nodes.members) {
    const Value* source = node.value.find("in");
    if (source == nullptr || source->is_null()) ends.names.push_back(node.key);
  }
  bind_inputs(ends, in, scope, diagnostics);
}

void bind_block_inputs(const Value& block, const Value* in, const Member& use, Scope& scope, Diagnostics& diagnostics) {
  const Value *declared = block.find("inputs"), *nodes = block.find("nodes");
  const std::vector<std::string> names = declared_inputs(declared, "block", diagnostics);
  bind_inputs({"the block", names, declared != nullptr ? declared->where : Location{scope.file, 1, 1}}, in, scope,
              diagnostics);
  for (const Member& node : nodes != nullptr ? nodes->members : std::vector<Member>()) {
    if (std::ranges::find(names, node.key) == names.end()) continue;
    Diagnostic& finding = diagnostics.add(ErrorCode::duplicate_node, node.where,
                                          fmt::format("'{}' is the name of an input of the block", node.key));
    finding.expected = "another name: this one means the input wherever the block reads it";
    finding.other = declared->where;
    finding.other_role = "the block's inputs";
  }
  for (const std::string& name : names) {
    if (!scope.inputs.emplace(name, "").second) continue;
    Diagnostic& finding = diagnostics.add(ErrorCode::missing_input, use.where,
                                          fmt::format("'{}': the block's input '{}' is not connected", use.key, name));
    finding.expected = names.size() == 1 ? "in: <node>" : fmt::format("in: {{{}: <node>}}", name);
    finding.other = declared->where;
    finding.other_role = "the block's inputs";
  }
}

std::vector<BlockOutput> read_block_outputs(Section& section, const Value& block) {
  Diagnostics& diagnostics = section.diagnostics();
  std::vector<BlockOutput> outputs;
  const Value* one = section.get("output");
  const Value* several = section.get("outputs");
  const auto add = [&](const std::string& name, const Value& target) {
    if (target.kind == Value::Kind::scalar)
      outputs.push_back({name, target.scalar, target.where, false});
    else
      wrong_type(target, fmt::format("the output '{}'", name), "a node, or node.port", diagnostics);
  };
  if (one != nullptr) add("y", *one);
  if (several != nullptr && !several->is_map())
    wrong_type(*several, "outputs", "a map of names and nodes", diagnostics);
  for (const Member& output : several != nullptr ? several->members : std::vector<Member>())
    add(output.key, output.value);
  if (outputs.empty() && one == nullptr && several == nullptr) {
    diagnostics.add(ErrorCode::missing_key, block.where, "a block must name its outputs").expected =
        "output: <node>, or outputs: {y: <node>}";
  }
  return outputs;
}

}  // namespace loom
