#include "graph/graph.h"

#include <fmt/format.h>

#include <algorithm>

namespace loom {

int Graph::find(const std::string& path) const {
  const auto it = index_.find(path);
  return it == index_.end() ? -1 : it->second;
}

Port Graph::port(const std::string& name, ErrorCode code) const {
  const auto fail = [&](std::string message, std::string suggestion) {
    Diagnostic finding;
    finding.code = code;
    finding.message = std::move(message);
    finding.got = name;
    finding.suggestion = std::move(suggestion);
    throw Error(std::move(finding));
  };
  const int whole = find(name);
  if (whole >= 0) return {whole, 0};
  const std::size_t dot = name.rfind('.');
  const std::string path = name.substr(0, dot);
  const int index = find(path);
  if (index < 0) {
    std::vector<std::string> paths;
    for (const GraphNode& node : nodes_) paths.push_back(node.path);
    fail(fmt::format("there is no node '{}'", path), nearest_name(path, paths));
  }
  const std::string port_name = dot == std::string::npos ? "" : name.substr(dot + 1);
  const int port_index = node(index).contract().output_index(port_name);
  if (port_index < 0) {
    fail(fmt::format("the node '{}' ({}) has no output '{}'", path, node(index).type->name, port_name),
         nearest_name(port_name, node(index).contract().output_names()));
  }
  return {index, port_index};
}

Port Graph::find_port(const Reference& reference) const {
  const int index = find(reference.node);
  if (index < 0) return {};
  const Contract& contract = node(index).contract();
  const int port = reference.port.empty() ? 0 : contract.output_index(reference.port);
  return port < 0 || static_cast<std::size_t>(port) >= contract.outputs().size() ? Port{} : Port{index, port};
}

std::string Graph::name_of(Port port) const {
  const GraphNode& owner = node(port.node);
  const auto& outputs = owner.contract().outputs();
  if (outputs.size() == 1) return owner.path;
  return owner.path + "." + outputs[static_cast<std::size_t>(port.index)].name;
}

std::int64_t Graph::least_samples(bool training, Port port) const {
  std::int64_t least = 1;
  if (!port.valid()) {
    for (const GraphNode& node : nodes_) least = std::max(least, node.least_samples(training));
    return least;
  }
  std::vector<bool> seen(nodes_.size(), false);
  for (std::vector<Port> open = {port}; !open.empty();) {
    const Port next = effective(open.back(), training);
    open.pop_back();
    if (!next.valid() || seen[static_cast<std::size_t>(next.node)]) continue;
    seen[static_cast<std::size_t>(next.node)] = true;
    const GraphNode& owner = node(next.node);
    least = std::max(least, owner.least_samples(training));
    open.insert(open.end(), owner.inputs.begin(), owner.inputs.end());
  }
  return least;
}

std::shared_ptr<const Graph> Graph::with_still(std::span<const int> nodes) const {
  auto copy = std::make_shared<Graph>(*this);
  for (const int index : nodes) copy->nodes_[static_cast<std::size_t>(index)].still = true;
  return copy;
}

bool GraphNode::moves_values() const {
  return !states.empty() || std::ranges::any_of(parameters, [&](const GraphParameter& parameter) {
    return contract().parameters()[static_cast<std::size_t>(parameter.declaration)].set_by_node;
  });
}

DType GraphNode::declared_dtype(int output) const {
  const PortDeclaration& port = contract().outputs()[static_cast<std::size_t>(output)];
  if (port.type_option.empty() || !options.is_text(port.type_option)) return port.type;
  const std::string& name = options.text(port.type_option);
  return name == name_of(DType::i32) ? DType::i32 : name == name_of(DType::u8) ? DType::u8 : DType::f32;
}

Port GraphNode::typed_by(int output) const {
  const std::string& input = contract().outputs()[static_cast<std::size_t>(output)].type_input;
  if (inputs.empty() || (input.empty() && !contract().is_alias())) return {};
  return inputs[contract().variadic() || input.empty() ? 0 : static_cast<std::size_t>(contract().input_index(input))];
}

DType dtype_at(std::span<const GraphNode> nodes, Port port) {
  const auto owner = [&]() -> const GraphNode& { return nodes[static_cast<std::size_t>(port.node)]; };
  for (Port source = port; source.valid(); source = owner().typed_by(port.index)) port = source;
  return owner().declared_dtype(port.index);
}

DType Graph::dtype(Port port) const { return dtype_at(nodes_, port); }

std::vector<int> Graph::inputs() const {
  std::vector<int> found;
  for (int i = 0; i < size(); ++i) {
    if (node(i).is_input()) found.push_back(i);
  }
  return found;
}

Port Graph::effective(Port port, bool training) const {
  while (port.valid()) {
    const GraphNode& owner = node(port.node);
    const bool active = owner.when == When::always || (owner.when == When::training) == owner.trains(training);
    if (active) break;
    port = owner.inputs.front();
  }
  return port;
}

}  // namespace loom
