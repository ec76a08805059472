#include "document/rewrite.h"

#include <fmt/format.h>

#include <algorithm>

#include "loom/error.h"

namespace loom {
namespace {

OptionEntry shape_option(const Shape& event, const Location& where) {
  std::vector<OptionValue> extents;
  for (const std::int64_t extent : event.extents()) extents.emplace_back(extent);
  return {OptionValue(std::move(extents)), where};
}

bool declares(const Contract& contract, const std::string& option) {
  const auto names = contract.option_names();
  return std::ranges::find(names, option) != names.end();
}

// The type of the nodes through which data enters.
std::shared_ptr<const NodeType> input_type(const Registry& registry) {
  for (const std::string& name : registry.node_names()) {
    const auto type = registry.node(name);
    if (type->contract.role() == Role::input) return type;
  }
  throw Error(ErrorCode::plugin_not_found, "no plugin has a node type for inputs",
              "if LATENTLOOM_PLUGINS is set, it must name the folder of the standard nodes");
}

}  // namespace

std::shared_ptr<const Graph> build_checked(const std::vector<NodeEntry>& entries, const Registry& registry) {
  Diagnostics diagnostics;
  auto graph = build_graph(entries, registry, diagnostics);
  diagnostics.throw_if_any();
  return graph;
}

Rewrite::Rewrite(std::vector<NodeEntry> entries, const Registry& registry)
    : registry_(registry), graph_(build_checked(entries, registry)), entries_(std::move(entries)) {}

Reference Rewrite::reference_to(Port port) const {
  const GraphNode& node = graph_->node(port.node);
  return {node.path, node.contract().outputs()[static_cast<std::size_t>(port.index)].name, node.where};
}

Reference Rewrite::resolved(const Reference& reference) const {
  const Port port = graph_->find_port(reference);  // not valid: a node that a rewrite added
  for (const auto& [from, draw] : replaced_) {
    if (port == from) return {draw, "", reference.where};
  }
  return reference;
}

void Rewrite::replace(const Reference& reference, NodeEntry draw) {
  const Port port = graph_->port(reference);
  const auto type = registry_.node(draw.type);
  const bool like =
      std::ranges::find(draw.inputs, "like", &InputEntry::port) != draw.inputs.end();  // has another's shape
  if (type && declares(type->contract, "shape") && draw.options.count("shape") == 0 && !like) {
    draw.options["shape"] = shape_option(graph_->shape(port).event(), draw.where);
  }
  draw.replaces_port = true;
  const auto reads = [](const InputEntry& input) { return !input.sources.empty(); };
  if (std::ranges::none_of(draw.inputs, reads)) draw.rows = rows_of(port);  // otherwise as many as what it reads
  // The draw may read the port that it replaces, and ports that were replaced earlier.
  resolve_inputs(draw);
  replaced_.emplace_back(port, draw.path);
  for (NodeEntry& entry : entries_) {
    for (InputEntry& input : entry.inputs) {
      for (Reference& source : input.sources) {
        if (graph_->find_port(source) == port) source = {draw.path, "", source.where};
      }
    }
  }
  entries_.push_back(std::move(draw));
}

void Rewrite::add(NodeEntry node) {
  resolve_inputs(node);
  entries_.push_back(std::move(node));
}

void Rewrite::resolve_inputs(NodeEntry& node) const {
  for (InputEntry& input : node.inputs) {
    for (Reference& source : input.sources) source = resolved(source);
  }
}

void Rewrite::set_input(int node, int input, const Reference& source) {
  const GraphNode& target = graph_->node(node);
  const Contract& contract = target.contract();
  const auto entry = std::ranges::find(entries_, target.path, &NodeEntry::path);
  for (InputEntry& candidate : entry->inputs) {
    if (contract.variadic()) {
      candidate.sources.at(static_cast<std::size_t>(input)) = source;
      return;
    }
    const int index = candidate.port.empty() ? 0 : contract.input_index(candidate.port);
    if (index != input) continue;
    candidate.sources = {source};
    return;
  }
  entry->inputs.push_back({contract.input_name(input), {source}, source.where});
}

std::int64_t Rewrite::rows_of(Port port) const {
  const Shape& shape = graph_->shape(port);
  return shape.per_sample() ? -shape[0] : 1;
}

std::int64_t Rewrite::rows_of_input(int node, int input) const {
  const std::vector<Port>& sources = graph_->node(node).inputs;
  const auto own = static_cast<std::size_t>(input);
  if (own < sources.size() && sources[own].valid()) return rows_of(sources[own]);
  const auto other = std::ranges::find_if(sources, &Port::valid);
  return other != sources.end() ? rows_of(*other) : 1;
}

std::string Rewrite::feed_input(int node, int input, const Shape& event, DType dtype) {
  const GraphNode& target = graph_->node(node);
  NodeEntry entry;
  entry.path = fmt::format("feed/{}/{}", target.path, target.contract().input_name(input));
  entry.type = input_type(registry_)->name;
  entry.where = entry.type_where = target.where;
  entry.options["shape"] = shape_option(event, target.where);
  entry.rows = rows_of_input(node, input);
  entry.replaces_port = true;
  entry.options["dtype"] = {OptionValue(std::string(name_of(dtype))), target.where};
  set_input(node, input, {entry.path, "", target.where});
  entries_.push_back(entry);
  return entry.path;
}

int Rewrite::set_option(const std::string& option, const OptionValue& value) {
  int count = 0;
  for (NodeEntry& entry : entries_) {
    const auto type = registry_.node(entry.type);
    if (!type || !declares(type->contract, option)) continue;
    entry.options[option] = {value, entry.where};
    ++count;
  }
  return count;
}

void Rewrite::connect(int node, int input, Port source) { set_input(node, input, reference_to(source)); }

Rewrite with_draws(const Document& document, const GenerateEntry& entry, const Registry& registry) {
  Rewrite rewrite(document.nodes, registry);
  for (const NodeEntry& node : entry.nodes) rewrite.add(node);
  for (const auto& [port, draw] : entry.draws) rewrite.replace(port, draw);
  return rewrite;
}

}  // namespace loom
