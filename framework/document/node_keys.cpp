#include "document/node_keys.h"

#include <fmt/format.h>

#include "document/sections.h"

namespace loom {
namespace {

// {of: encoder, decay: 0.999}
void read_average(const Value& value, const std::string& owner, AverageEntry& average, Diagnostics& diagnostics) {
  average.where = value.where;
  Section section(value, owner + ".average", diagnostics);
  section.required("of");
  section.read("of", average.of);
  if (const Value* of = section.get("of")) average.where = of->where;
  average_section().read(section, average);
  section.finish();
}

// {weight: {type: orthogonal, gain: 2}, bias: zeros}: rules by parameter; a number is a constant.
void read_init(const Value& value, const std::string& owner, NodeEntry& entry, Diagnostics& diagnostics) {
  for (const Member& parameter : value.members) {
    if (parameter.value.is_null()) continue;
    const std::string what = fmt::format("{}.init.{}", owner, parameter.key);
    TypedEntry& rule = entry.init[parameter.key];
    rule.where = rule.type_where = parameter.value.where;
    if (parameter.value.is_map()) {
      Section section(parameter.value, what, diagnostics);
      read_typed(section, rule);
      continue;
    }
    const OptionValue given = option_value(parameter.value, what, diagnostics);
    if (const auto* word = std::get_if<std::string>(&given)) {
      rule.type = *word;
    } else if (std::holds_alternative<double>(given) || std::holds_alternative<std::int64_t>(given)) {
      rule.type = "constant";
      rule.options["value"] = {given, parameter.value.where};
    } else if (!given.empty()) {
      wrong_type(parameter.value, what, "the name of a rule, a number, or a map: {type: normal, std: 0.02}",
                 diagnostics);
    }
  }
}

// f32 is the only word: in an f32 program there is nothing to choose.
bool read_precision(const Value& value, Diagnostics& diagnostics) {
  if (value.broken) return false;
  if (value.kind == Value::Kind::scalar && value.scalar == "f32") return true;
  if (value.kind == Value::Kind::scalar)
    diagnostics.add_unknown_word(value.where, fmt::format("precision of a node has no '{}'", value.scalar),
                                 value.scalar, {"f32"});
  else
    wrong_type(value, "precision", "f32", diagnostics);
  return false;
}

}  // namespace

void read_node_keys(Section& section, NodeEntry& entry) {
  Diagnostics& diagnostics = section.diagnostics();
  section.read("weights", entry.weights);
  if (const Value* weights = section.get("weights")) entry.weights_where = weights->where;
  section.read("frozen", entry.frozen);
  if (const Value* precision = section.get("precision")) entry.full_precision = read_precision(*precision, diagnostics);
  if (const Value* when = section.get("when")) entry.when = read_when(*when, diagnostics);
  if (const Value* average = section.value().find("average"); average != nullptr && average->is_map())
    read_average(*section.get("average"), section.what(), entry.average, diagnostics);
  // Some types have an option of this name, which is never a map.
  if (const Value* init = section.value().find("init"); init != nullptr && init->is_map())
    read_init(*section.get("init"), section.what(), entry, diagnostics);
}

namespace {

void add_source(const Value& value, InputEntry& input, Diagnostics& diagnostics) {
  const bool good = value.kind == Value::Kind::scalar && !value.scalar.empty() && !value.broken;
  input.sources.push_back({good ? value.scalar : "", "", value.where, !good});
  if (!good) wrong_type(value, "an input", "a node, or node.port", diagnostics);
}

void add_sources(const Value& value, InputEntry& input, Diagnostics& diagnostics) {
  if (value.kind != Value::Kind::sequence) return add_source(value, input, diagnostics);
  for (const Value& item : value.items) add_source(item, input, diagnostics);
}

}  // namespace

void read_inputs(const Value& in, NodeEntry& entry, Diagnostics& diagnostics) {
  if (!in.is_map()) {
    entry.inputs.push_back({"", {}, in.where, in.inherited});
    return add_sources(in, entry.inputs.back(), diagnostics);
  }
  for (const Member& port : in.members) {
    if (port.value.is_null()) continue;
    InputEntry input{port.key, {}, port.where, in.inherited || port.value.inherited};
    add_sources(port.value, input, diagnostics);
    entry.inputs.push_back(std::move(input));
  }
}

void read_node_options(const Section& section, const std::string& name, NodeEntry& entry) {
  for (const Member* option : section.rest()) {
    if (option->value.is_null()) continue;
    entry.options[option->key] =
        read_node_option(*option, fmt::format("'{}': {}", name, option->key), section.diagnostics());
  }
}

void apply_to_nodes(const NodeEntry& use, const std::string& prefix, const std::string& outer,
                    const std::vector<NodeEntry*>& nodes, Diagnostics& diagnostics) {
  for (NodeEntry* entry : nodes) {
    const std::string inner = entry->path.substr(prefix.size());
    if (!use.weights.empty()) {
      entry->weights = "/" + outer + use.weights + "/" + inner;
      entry->weights_where = use.weights_where;
    }
    if (!use.average.of.empty()) {
      entry->average = use.average;
      entry->average.of = "/" + outer + use.average.of + "/" + inner;
    }
    if (!use.weights.empty() || !use.average.of.empty()) entry->init.clear();  // the values are those of the others
    if (use.when != When::always) entry->when = use.when;
    entry->frozen = entry->frozen || use.frozen;
    entry->full_precision = entry->full_precision || use.full_precision;
  }
  for (const auto& [name, rule] : use.init) {
    const std::size_t dot = name.rfind('.');
    std::vector<std::string> names;
    bool found = false;
    for (NodeEntry* entry : nodes) {
      names.push_back(entry->path.substr(prefix.size()));
      if (dot == std::string::npos || names.back() != name.substr(0, dot)) continue;
      entry->init[name.substr(dot + 1)] = rule;
      found = true;
    }
    if (found) continue;
    Diagnostic& finding = diagnostics.add(ErrorCode::unknown_option, rule.where,
                                          fmt::format("the block has no node for the initial values of '{}'", name));
    finding.expected = "a parameter of a node of the block: {node.weight: zeros}";
    finding.suggestion = nearest_name(name.substr(0, dot), names);
  }
}

}  // namespace loom
