// Builds the typed graph from a document's entries: names, options, sources, order, shapes. Collects every diagnostic.
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <set>

#include "graph/check_bypasses.h"
#include "graph/check_options.h"
#include "graph/choose_ports.h"
#include "graph/follow_weights.h"
#include "graph/gradient.h"
#include "graph/graph.h"
#include "graph/scan_type.h"
#include "graph/shape_problems.h"
#include "graph/share_weights.h"
#include "graph/sizes.h"
#include "graph/topological_order.h"

namespace loom {
namespace {

std::string list_of(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

constexpr std::size_t kMaxInputs = 4096;
// Errors found by the document layer leave nodes without a type or shapes; these are not reported here.
bool complete(const std::vector<GraphNode>& nodes) {
  return std::ranges::all_of(nodes, [](const GraphNode& node) {
    return node.type && node.outputs.size() == node.contract().outputs().size();
  });
}

class Builder {
 public:
  Builder(const std::vector<NodeEntry>& entries, const Registry& registry, Diagnostics& diagnostics)
      : entries_(entries), registry_(registry), diagnostics_(diagnostics) {}

  void build(std::vector<GraphNode>& nodes, std::vector<int>& order, std::map<std::string, int>& index) {
    const std::size_t before = diagnostics_.size();
    for (const NodeEntry& entry : entries_)
      add_node(entry, has_sizes(entry) ? changed_.emplace_back(without_sizes(entry)) : entry);
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (nodes_[i].type) connect(nodes_[i], *origin_[i]);
    }
    order_ = topological_order(nodes_, find_sizes(), diagnostics_);
    for (int i : order_) infer(i);
    share_weights(nodes_, origin_, index_, diagnostics_);
    follow_weights(nodes_, origin_, index_, diagnostics_);
    choose_initial_values(nodes_, origin_, diagnostics_);
    check_bypasses(nodes_, diagnostics_);
    if (diagnostics_.size() == before && complete(nodes_))
      expand_gradients(nodes_, order_, index_, registry_, diagnostics_);
    nodes = std::move(nodes_);
    order = std::move(order_);
    index = std::move(index_);
  }

 private:
  Diagnostic& find(ErrorCode code, const Location& where, std::string message) {
    return diagnostics_.add(code, where, std::move(message));
  }

  // `entry` is what is known of `written` before shapes are.
  void add_node(const NodeEntry& written, const NodeEntry& entry) {
    GraphNode node;
    node.path = entry.path;
    node.where = entry.where;
    node.when = entry.when;
    node.frozen = entry.frozen;
    node.full_precision = entry.full_precision;
    node.replaces_port = entry.replaces_port;
    node.has_part = entry.scan != nullptr;
    node.type = entry.scan ? scan_ports(entry, diagnostics_) : registry_.node(entry.type);
    if (!node.type && !entry.type.empty() && !entry.scan) {
      Diagnostic& finding = find(ErrorCode::unknown_node_type, entry.type_where,
                                 fmt::format("'{}': there is no node type '{}'", entry.path, entry.type));
      finding.got = entry.type;
      finding.suggestion = nearest_name(entry.type, registry_.node_names());
      finding.expected = "a node type; graph-runner list shows them all";
    } else if (node.type) {
      take_options(node, entry);
    }
    const auto [it, fresh] = index_.emplace(entry.path, static_cast<int>(nodes_.size()));
    if (!fresh) {
      Diagnostic& finding =
          find(ErrorCode::duplicate_node, entry.where, fmt::format("the node '{}' occurs twice here", entry.path));
      finding.other = nodes_[static_cast<std::size_t>(it->second)].where;
      finding.other_role = "first";
      return;
    }
    if (&written != &entry) sized_[static_cast<int>(nodes_.size())].written = &written;
    nodes_.push_back(std::move(node));
    origin_.push_back(&entry);
  }

  void take_options(GraphNode& node, const NodeEntry& entry) {
    std::map<std::string, OptionEntry> options = entry.options;
    node.scheduled = take_schedules(options, node.contract(), entry.type, registry_, diagnostics_);
    node.options = check_options(node.contract(), options, entry.where, entry.type, diagnostics_);
    choose_ports(node, entry, diagnostics_);
  }

  // The ports whose shapes decide options.
  std::vector<SizeEdge> find_sizes() {
    std::vector<SizeEdge> edges;
    for (auto& [index, sized] : sized_) {
      for (const Reference& reference : sizes_of(*sized.written)) {
        const auto port = source(reference);
        if (!port || !sized.ports.emplace(reference.text(), *port).second) continue;
        edges.push_back({index, port->node});
      }
    }
    return edges;
  }

  // Gives a node the options that follow from shapes. False where they are not known, which is reported.
  bool settle(int index) {
    const auto sized = sized_.find(index);
    if (sized == sized_.end()) return true;
    GraphNode& node = nodes_[static_cast<std::size_t>(index)];
    NodeEntry& entry = changed_.emplace_back(*sized->second.written);
    const auto shape = [&](const Reference& reference) -> std::optional<Shape> {
      const auto port = sized->second.ports.find(reference.text());
      if (port == sized->second.ports.end()) return std::nullopt;
      const std::vector<Shape>& outputs = nodes_[static_cast<std::size_t>(port->second.node)].outputs;
      if (outputs.empty()) return std::nullopt;
      return outputs[static_cast<std::size_t>(port->second.index)];
    };
    if (!resolve_sizes(entry, shape, diagnostics_)) return false;
    origin_[static_cast<std::size_t>(index)] = &entry;
    if (!node.has_part) node.type = registry_.node(entry.type);
    take_options(node, entry);
    return node.type != nullptr;
  }

  std::optional<Port> source(const Reference& reference) {
    const auto it = index_.find(reference.node);
    if (it == index_.end()) {
      Diagnostic& finding =
          find(ErrorCode::dangling_input, reference.where, fmt::format("there is no node '{}'", reference.node));
      finding.expected = "a node, or node.port";
      if (diagnostics_.full()) return std::nullopt;
      std::vector<std::string> paths;
      for (const auto& [path, i] : index_) paths.push_back(path);
      finding.suggestion = nearest_name(reference.node, paths);
      return std::nullopt;
    }
    const GraphNode& producer = nodes_[static_cast<std::size_t>(it->second)];
    if (!producer.type) return std::nullopt;  // reported as an unknown type
    if (producer.contract().outputs().empty()) {
      Diagnostic& finding = find(ErrorCode::unknown_port, reference.where,
                                 fmt::format("the node '{}' ({}) has no output", reference.node, producer.type->name));
      finding.expected = "a node with an output";
      finding.other = producer.where;
      finding.other_role = "the node";
      return std::nullopt;
    }
    const int port = reference.port.empty() ? 0 : producer.contract().output_index(reference.port);
    if (port < 0) {
      Diagnostic& finding = find(
          ErrorCode::unknown_port, reference.where,
          fmt::format("the node '{}' ({}) has no output '{}'", reference.node, producer.type->name, reference.port));
      finding.expected = "one of " + list_of(producer.contract().output_names());
      finding.suggestion = nearest_name(reference.port, producer.contract().output_names());
      finding.other = producer.where;
      finding.other_role = "the node";
      return std::nullopt;
    }
    return Port{it->second, port};
  }

  // The index of the input that an entry names, or -1 with a diagnostic.
  int input_index(const GraphNode& node, const InputEntry& entry) {
    const Contract& contract = node.contract();
    if (contract.inputs().empty() && entry.inherited) return -1;
    if (contract.inputs().empty()) {
      find(ErrorCode::unknown_port, entry.where, fmt::format("[{}] '{}' takes no input", node.type->name, node.path))
          .expected = "no `in`";
      return -1;
    }
    if (entry.port.empty() || (contract.variadic() && entry.port == contract.inputs().front().name)) return 0;
    const int index = contract.input_index(entry.port);
    if (index >= 0 || entry.inherited) return index;
    Diagnostic& finding = find(ErrorCode::unknown_port, entry.where,
                               fmt::format("[{}] '{}' has no input '{}'", node.type->name, node.path, entry.port));
    finding.expected = "one of " + list_of(contract.input_names());
    finding.suggestion = nearest_name(entry.port, contract.input_names());
    misnamed_ = true;
    return -1;
  }

  void set_input(GraphNode& node, int index, const Reference& reference) {
    const auto slot = static_cast<std::size_t>(index);
    if (slot > kMaxInputs) {
      find(ErrorCode::out_of_range, reference.where, fmt::format("'{}': input {} is out of range", node.path, index))
          .expected = fmt::format("at most {} inputs", kMaxInputs);
      return;
    }
    if (!attempted_.insert({&node, index}).second) {
      Diagnostic& finding = find(ErrorCode::duplicate_key, reference.where,
                                 fmt::format("[{}] '{}': the input '{}' is connected twice", node.type->name, node.path,
                                             node.contract().input_name(index)));
      finding.expected = "one source";
      finding.other = node.input_locations[slot];
      finding.other_role = "first";
      return;
    }
    if (node.inputs.size() <= slot) {
      node.inputs.resize(slot + 1);
      node.input_locations.resize(slot + 1, node.where);
    }
    node.input_locations[slot] = reference.where;
    if (reference.reported) return;
    if (const auto port = source(reference)) node.inputs[slot] = *port;
  }

  void connect(GraphNode& node, const NodeEntry& entry) {
    const Contract& contract = node.contract();
    if (!contract.variadic()) {
      node.inputs.resize(contract.inputs().size());
      node.input_locations.resize(contract.inputs().size(), node.where);
    }
    misnamed_ = false;
    for (const InputEntry& input : entry.inputs) {
      const int first = input_index(node, input);
      if (first < 0) continue;
      if (input.sources.size() > 1 && !contract.variadic()) {
        Diagnostic& finding = find(ErrorCode::unknown_port, input.where,
                                   fmt::format("[{}] '{}' takes one source here", node.type->name, node.path));
        attempted_.insert({&node, first});
        finding.got = fmt::format("{} sources", input.sources.size());
        finding.expected = "in: {port: source}, ports " + list_of(contract.input_names());
        continue;
      }
      for (std::size_t k = 0; k < input.sources.size(); ++k)
        set_input(node, first + static_cast<int>(k), input.sources[k]);
    }
    if (!misnamed_) check_missing(node);  // the missing one may be the misnamed one
  }

  void check_missing(const GraphNode& node) {
    const Contract& contract = node.contract();
    const int expected = contract.variadic() ? std::max<int>(1, static_cast<int>(node.inputs.size()))
                                             : static_cast<int>(contract.inputs().size());
    for (int i = 0; i < expected; ++i) {
      const PortDeclaration& port = contract.input_at(i);
      if (port.is_optional || attempted_.count({&node, i}) > 0) continue;
      Diagnostic& finding = find(ErrorCode::missing_input, node.where,
                                 fmt::format("[{}] '{}': the input '{}' is not connected", node.type->name, node.path,
                                             contract.input_name(i)));
      finding.expected = fmt::format("{} {}", port.pattern, port.doc);
      finding.hint =
          contract.inputs().size() == 1 ? "in: <node>" : fmt::format("in: {{{}: <node>}}", contract.input_name(i));
    }
  }

  bool inputs_known(const GraphNode& node) const {
    for (std::size_t k = 0; k < node.inputs.size(); ++k) {
      const Port& input = node.inputs[k];
      if (input.valid()) {
        const auto& outputs = nodes_[static_cast<std::size_t>(input.node)].outputs;
        if (outputs.empty()) return false;
      } else if (!node.contract().input_at(static_cast<int>(k)).is_optional) {
        return false;
      }
    }
    return !node.contract().variadic() || !node.inputs.empty();
  }

  void check_dtypes(const GraphNode& node) {
    for (std::size_t k = 0; k < node.inputs.size(); ++k) {
      if (!node.inputs[k].valid() || node.contract().is_alias()) continue;
      const PortDeclaration& port = node.contract().input_at(static_cast<int>(k));
      const DType got = dtype_at(nodes_, node.inputs[k]);
      if (got == (port.any_type && moves_integers(node) ? DType::i32 : port.type)) continue;
      if (port.reads_codes && got == DType::i32) continue;
      const GraphNode& producer = nodes_[static_cast<std::size_t>(node.inputs[k].node)];
      Diagnostic& finding = find(ErrorCode::dtype_mismatch, node.input_locations[k],
                                 fmt::format("[{}] '{}', input '{}'", node.type->name, node.path,
                                             node.contract().input_name(static_cast<int>(k))));
      finding.got = fmt::format("{} from '{}'", name_of(got), producer.path);
      finding.expected =
          port.any_type && moves_integers(node) ? "i32, as the other inputs" : std::string(name_of(port.type));
      finding.other = producer.where;
      finding.other_role = "produced here";
    }
  }

  // Whether the first input of any type is of integers: the others are then, too.
  bool moves_integers(const GraphNode& node) const {
    for (std::size_t k = 0; k < node.inputs.size(); ++k) {
      if (node.inputs[k].valid() && node.contract().input_at(static_cast<int>(k)).any_type)
        return dtype_at(nodes_, node.inputs[k]) == DType::i32;
    }
    return false;
  }

  void infer(int index) {
    GraphNode& node = nodes_[static_cast<std::size_t>(index)];
    if (!node.type || !inputs_known(node) || !settle(index) || !options_known(node)) return;
    std::vector<std::shared_ptr<const InitialValues>> initial;
    const NodeEntry& entry = *origin_[static_cast<std::size_t>(index)];
    if (node.has_part && !complete_scan(nodes_, node, entry, registry_, initial, diagnostics_)) return;
    check_dtypes(node);
    std::vector<std::optional<Shape>> inputs;
    for (const Port& input : node.inputs) {
      inputs.push_back(
          input.valid()
              ? std::optional(
                    nodes_[static_cast<std::size_t>(input.node)].outputs[static_cast<std::size_t>(input.index)])
              : std::nullopt);
    }
    if (!node.scheduled.empty()) check_schedules(node, entry, inputs, diagnostics_);
    ShapeInference inference(node.contract(), node.options, std::move(inputs));
    try {
      inference.run(node.type->infer);
    } catch (const Error& error) {  // a formula, a shape with too many axes: the node does not know its position
      return add_placed(with_sources(error, nodes_, node), node, entry, diagnostics_);
    }
    if (!inference.problems().empty()) return report_shapes(nodes_, node, inference, diagnostics_);
    if (!sizes_possible(node, inference, diagnostics_)) return;
    node.outputs = inference.outputs();
    for (Shape& output : node.outputs)
      if (output.per_sample()) output[0] *= entry.rows;
    const auto add = [&](const std::vector<ParameterDeclaration>& declarations,
                         const std::vector<std::optional<Shape>>& shapes, std::vector<GraphParameter>& out) {
      for (std::size_t k = 0; k < declarations.size(); ++k) {
        const char* mark = node.has_part ? "/" : ".";
        if (shapes[k]) out.push_back({node.path + mark + declarations[k].name, static_cast<int>(k), *shapes[k]});
      }
    };
    add(node.contract().parameters(), inference.parameters(), node.parameters);
    for (std::size_t k = 0; k < initial.size(); ++k) node.parameters[k].initial = initial[k];
    add(node.contract().states(), inference.states(), node.states);
    add(node.contract().tallies(), inference.tallies(), node.tallies);
    for (std::size_t k = 0; k < node.inputs.size(); ++k) {
      if (node.contract().input_at(static_cast<int>(k)).is_shape_only) node.inputs[k] = Port{};  // nothing more is read
    }
  }

  const std::vector<NodeEntry>& entries_;
  const Registry& registry_;
  Diagnostics& diagnostics_;
  std::vector<GraphNode> nodes_;
  std::vector<const NodeEntry*> origin_;
  struct Sized {
    const NodeEntry* written = nullptr;
    std::map<std::string, Port> ports;  // whose shapes its options ask for
  };
  std::map<int, Sized> sized_;
  std::deque<NodeEntry> changed_;  // entries of such nodes, before and after shapes are known
  std::vector<int> order_;
  std::map<std::string, int> index_;
  std::set<std::pair<const GraphNode*, int>> attempted_;
  bool misnamed_ = false;  // of the node in connect()
};

}  // namespace

std::shared_ptr<const Graph> build_graph(const std::vector<NodeEntry>& entries, const Registry& registry,
                                         Diagnostics& diagnostics) {
  const std::size_t before = diagnostics.size();
  auto graph = std::make_shared<Graph>();
  Builder(entries, registry, diagnostics).build(graph->nodes_, graph->order_, graph->index_);
  return diagnostics.size() == before && complete(graph->nodes_) ? graph : nullptr;
}

}  // namespace loom
