#include "graph/graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "graph/declared_dtype.h"

namespace loom {

int Graph::find(const std::string& path) const {
  const auto it = index_.find(path);
  return it == index_.end() ? -1 : it->second;
}

namespace {

// The number that a text is; -1 for another text.
std::int64_t number_in(std::string_view text) {
  std::int64_t number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number >= 0 ? number : -1;
}

std::vector<std::string_view> parts_of(std::string_view path) {
  std::vector<std::string_view> parts;
  for (std::size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/')) {
    parts.push_back(path.substr(0, slash));
    path.remove_prefix(slash + 1);
  }
  parts.push_back(path);
  return parts;
}

// The numbers in the place of each `*`; nothing where the path is another one.
std::vector<std::int64_t> numbers_at(const std::vector<std::string_view>& pattern, std::string_view path) {
  const std::vector<std::string_view> parts = parts_of(path);
  std::vector<std::int64_t> numbers;
  if (parts.size() != pattern.size()) return {};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::int64_t number = pattern[i] == "*" ? number_in(parts[i]) : -1;
    if (number < 0 && parts[i] != pattern[i]) return {};
    if (number >= 0) numbers.push_back(number);
  }
  return numbers;
}

}  // namespace

int Graph::find_named(const std::string& name) const {
  if (const int index = find(name); index >= 0) return index;
  const std::string prefix = name + "/";
  int last = -1;
  std::int64_t greatest = -1;
  for (auto it = index_.lower_bound(prefix); it != index_.end() && it->first.starts_with(prefix); ++it) {
    const std::int64_t number = number_in(std::string_view(it->first).substr(prefix.size()));
    if (number <= greatest) continue;
    greatest = number;
    last = it->second;
  }
  return last;
}

std::vector<std::string> Graph::instances(const std::string& name, ErrorCode code) const {
  const std::size_t dot = name.rfind('.');
  const std::string path = name.substr(0, dot), port = dot == std::string::npos ? "" : name.substr(dot);
  const std::vector<std::string_view> pattern = parts_of(path);
  if (std::ranges::find(pattern, "*") == pattern.end()) return {name};
  std::map<std::vector<std::int64_t>, std::string> found;
  for (const auto& [node, index] : index_) {
    std::vector<std::int64_t> numbers = numbers_at(pattern, node);
    if (!numbers.empty()) found.emplace(std::move(numbers), node + port);
  }
  std::vector<std::string> names;
  for (const auto& [numbers, one] : found) names.push_back(one);
  if (!names.empty()) return names;
  Diagnostic finding;
  finding.code = code;
  finding.message = fmt::format("no node matches '{}'", path);
  finding.got = name;
  finding.expected = "`*` in the place of the number of an instance of a repeat, as in level/*/z";
  throw Error(std::move(finding));
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
  const int whole = find_named(name);
  if (whole >= 0) return {whole, 0};
  const std::size_t dot = name.rfind('.');
  const std::string path = name.substr(0, dot);
  const int index = find_named(path);
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

std::shared_ptr<const Graph> Graph::with_option(int node, const std::string& name, const OptionValue& value) const {
  auto copy = std::make_shared<Graph>(*this);
  copy->nodes_[static_cast<std::size_t>(node)].options.set(name, value);
  return copy;
}

Options GraphNode::options_at(std::int64_t step) const {
  Options all = options;
  for (const ScheduledOption& option : scheduled) all.set(option.name, option.value.value(step));
  return all;
}

bool GraphNode::moves_values() const {
  return !states.empty() || std::ranges::any_of(parameters, [&](const GraphParameter& parameter) {
    return contract().parameters()[static_cast<std::size_t>(parameter.declaration)].set_by_node;
  });
}

DType GraphNode::declared_dtype(int output) const {
  return loom::declared_dtype(contract().outputs()[static_cast<std::size_t>(output)], options);
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
