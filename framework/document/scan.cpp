#include "document/scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "document/tree.h"
#include "graph/sizes.h"

namespace loom {
namespace {

using Kind = ScanEntry::Kind;

constexpr const char* kKeys[] = {"in", "whole", "state"};  // by kind

struct Given {
  std::string name;  // "": the first input
  Kind kind = Kind::each;
  const Value* source = nullptr;
  Location where;
};

std::vector<Given> given_inputs(Section& node) {
  std::vector<Given> given;
  for (const Kind kind : {Kind::each, Kind::whole, Kind::state}) {
    const char* key = kKeys[static_cast<std::size_t>(kind)];
    const Value* value = node.get(key);
    if (value == nullptr || value->broken) continue;
    if (value->kind == Value::Kind::scalar && kind == Kind::each) {
      given.push_back({"", kind, value, value->where});
      continue;
    }
    if (!value->is_map())
      wrong_type(*value, fmt::format("{}.{}", node.what(), key), "a map of inputs of the part and nodes",
                 node.diagnostics());
    for (const Member& input : value->members) {
      if (!input.value.is_null()) given.push_back({input.key, kind, &input.value, input.where});
    }
  }
  return given;
}

std::string without(const std::string& prefix, const std::string& path) {
  return path.starts_with(prefix) ? path.substr(prefix.size()) : path;
}

// What a use around the scan gives to all of its nodes, the scan has itself.
void take_back(const NodeEntry& scan, NodeEntry& node, const std::string& prefix) {
  if (!scan.weights.empty() && !node.weights.starts_with(prefix)) node.weights.clear();
  if (!scan.average.of.empty()) node.average = {};
  if (scan.frozen) node.frozen = false;
  if (node.when == scan.when) node.when = When::always;
}

OptionValue port_text(const Reference& reference) { return reference.text(); }

}  // namespace

void substitute_outside_part(Value& node, const Variables& variables, TextBudget& budget, Diagnostics& diagnostics) {
  Value* scan = node.find("scan");
  if (scan == nullptr || !scan->is_map()) return substitute(node, variables, budget, diagnostics);
  Value part = std::move(*scan);
  *scan = Value();
  substitute(node, variables, budget, diagnostics);
  *node.find("scan") = std::move(part);
}

void bind_scan_inputs(const Value& part, Section& node, const Member& member, ScanEntry& scan, NodeEntry& entry) {
  Diagnostics& diagnostics = node.diagnostics();
  const Value* declared = part.find("inputs");
  const std::vector<std::string> names = declared_inputs(declared, "part", diagnostics);
  const Location there = declared != nullptr ? declared->where : member.where;
  for (Given& given : given_inputs(node)) {
    if (given.name.empty() && !names.empty()) given.name = names.front();
    const auto twice = std::ranges::find(scan.inputs, given.name, &ScanEntry::Input::name);
    const bool known = std::ranges::find(names, given.name) != names.end();
    if (!known || twice != scan.inputs.end()) {
      Diagnostic& finding =
          diagnostics.add(known ? ErrorCode::duplicate_key : ErrorCode::unknown_port, given.where,
                          known ? fmt::format("{}: the input '{}' is connected twice", node.what(), given.name)
                                : fmt::format("{}: the part has no input '{}'", node.what(), given.name));
      for (const std::string& name : names) finding.expected += (finding.expected.empty() ? "one of " : ", ") + name;
      if (known) finding.expected = "one of `in`, `whole` and `state`";
      if (!known) finding.suggestion = nearest_name(given.name, names);
      finding.other = known ? twice->where : there;
      finding.other_role = known ? "first" : "the part's inputs";
      continue;
    }
    scan.inputs.push_back({given.name, given.kind, given.where});
    const bool good = given.source->kind == Value::Kind::scalar && !given.source->broken;
    if (!good && !given.source->broken)
      wrong_type(*given.source, fmt::format("the input '{}'", given.name), "a node, or node.port", diagnostics);
    entry.inputs.push_back(
        {given.name, {{good ? given.source->scalar : "", "", given.source->where, !good}}, given.where});
  }
  for (const std::string& name : names) {
    if (std::ranges::find(scan.inputs, name, &ScanEntry::Input::name) != scan.inputs.end()) continue;
    Diagnostic& finding = diagnostics.add(ErrorCode::missing_input, member.where,
                                          fmt::format("{}: the part's input '{}' is not connected", node.what(), name));
    finding.expected = fmt::format(
        "in: {{{0}: <node>}} for a value of each step, whole: {{{0}: <node>}} or state: {{{0}: <node>}}", name);
    finding.other = there;
    finding.other_role = "the part's inputs";
    scan.inputs.push_back({name, Kind::whole, member.where});
    entry.inputs.push_back({name, {{"", "", member.where, true}}, member.where});
  }
}

bool is_in_part(const std::string& path, const std::vector<PendingScan>& scans) {
  return std::ranges::any_of(scans, [&](const PendingScan& scan) { return path.starts_with(scan.scope->prefix); });
}

void collect_scan(PendingScan& scan, const Names& names, std::vector<NodeEntry>& entries, Diagnostics& diagnostics) {
  const std::string& prefix = scan.scope->prefix;
  const auto owner = std::ranges::find(entries, scan.path, &NodeEntry::path);
  if (owner == entries.end()) return;
  for (const BlockOutput& output : scan.outputs) {
    Reference source = names.resolve(output.target, output.where, scan.scope, diagnostics);
    source.node = without(prefix, source.node);
    scan.entry.outputs.push_back({output.name, source, output.where});
  }
  const NodeEntry around = *owner;
  std::vector<NodeEntry> rest;
  for (NodeEntry& node : entries) {
    if (!node.path.starts_with(prefix)) {
      rest.push_back(std::move(node));
      continue;
    }
    take_back(around, node, prefix);
    for (const std::string* path : {&node.weights, &node.average.of}) {
      if (path->empty() || path->starts_with(prefix)) continue;
      diagnostics
          .add(ErrorCode::bad_weight_sharing, node.weights_where.known() ? node.weights_where : node.where,
               fmt::format("'{}' would take its weights from '{}', which is not in the part", node.path, *path))
          .expected = "a node of the part, or `weights` of the scan itself";
    }
    node.path = without(prefix, node.path);
    node.weights = without(prefix, node.weights);
    node.average.of = without(prefix, node.average.of);
    for (InputEntry& input : node.inputs)
      for (Reference& source : input.sources) source.node = without(prefix, source.node);
    rename_sizes(node, [&](const Reference& port) {
      if (port.node.starts_with(prefix)) return port.text().substr(prefix.size());
      diagnostics
          .add(ErrorCode::dangling_input, port.where,
               fmt::format("the part of '{}' does not see '{}', whose size it asks for", scan.path, port.text()))
          .expected = "a port of the part itself, or one of its inputs";
      return std::string();
    });
    scan.entry.nodes.push_back(std::move(node));
  }
  entries = std::move(rest);
  std::ranges::find(entries, scan.path, &NodeEntry::path)->scan =
      std::make_shared<const ScanEntry>(std::move(scan.entry));
}

OptionMap scan_tree(const NodeEntry& node) {
  const ScanEntry& scan = *node.scan;
  std::vector<OptionValue> names;
  for (const ScanEntry::Input& input : scan.inputs) names.emplace_back(input.name);
  OptionMap nodes, outputs, tree;
  for (const NodeEntry& inner : scan.nodes) nodes.push_back({inner.path, tree_of(inner)});
  for (const ScanEntry::Output& output : scan.outputs) outputs.push_back({output.name, port_text(output.source)});
  tree.push_back({"scan", OptionMap{{"inputs", OptionValue(std::move(names))},
                                    {"nodes", std::move(nodes)},
                                    {"outputs", std::move(outputs)}}});
  for (const Kind kind : {Kind::each, Kind::whole, Kind::state}) {
    OptionMap map;
    for (const ScanEntry::Input& input : scan.inputs) {
      const auto source = std::ranges::find(node.inputs, input.name, &InputEntry::port);
      if (input.kind == kind && source != node.inputs.end())
        map.push_back({input.name, port_text(source->sources.front())});
    }
    if (!map.empty()) tree.push_back({kKeys[static_cast<std::size_t>(kind)], std::move(map)});
  }
  return tree;
}

}  // namespace loom
