#include "train/masks.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "document/render.h"
#include "train/feeds.h"

namespace loom {
namespace {

constexpr std::string_view kMask = "mask", kTarget = "target", kEachValue = "[N, ...E";

// Changes no value, so that it can be applied to a mask of the same shape.
bool moves_values(const GraphNode& node) {
  return node.contract().is_alias() || (!node.contract().inputs().empty() && node.contract().inputs().front().any_type);
}

// An output value, or row of values, for each input value.
bool works_on_each_value(const GraphNode& node) {
  const Contract& contract = node.contract();
  return contract.is_pointwise(node.options) && contract.inputs().size() == 1 &&
         contract.inputs().front().pattern == std::string(kEachValue) + "]" &&
         contract.outputs().front().pattern.starts_with(kEachValue);
}

bool same_shape(const Graph& graph, const GraphNode& node) {
  return graph.shape(node.inputs.front()) == node.outputs.front();
}

// From the input of a graph to a port that has its values, moved.
struct Way {
  int input = -1;           // -1: the port is computed otherwise
  std::vector<Port> moves;  // outputs of the nodes that move the values, from the port back to the input
};

Way way_to(const Graph& graph, Port port) {
  Way way;
  while (port.valid()) {
    const GraphNode& node = graph.node(port.node);
    if (node.is_input()) {
      way.input = port.node;
      return way;
    }
    if (std::ranges::count_if(node.inputs, &Port::valid) != 1 || !node.inputs.front().valid() ||
        node.when != When::always)
      return {};
    const bool passed_by = works_on_each_value(node) && (same_shape(graph, node) || way.moves.empty());
    if (!passed_by && !moves_values(node)) return {};
    if (!passed_by && !(node.contract().is_alias() && same_shape(graph, node))) way.moves.push_back(port);
    port = node.inputs.front();
  }
  return {};
}

std::vector<OptionValue> extents_of(const Shape& event) {
  std::vector<OptionValue> extents;
  for (const std::int64_t extent : event.extents()) extents.emplace_back(extent);
  return extents;
}

class Binder {
 public:
  Binder(Document& document, const Graph& graph, std::span<const Column> columns)
      : document_(document), graph_(graph), columns_(columns) {
    std::vector<Port> losses;
    for (const LossEntry& loss : document.losses) {
      if (const Port port = graph.find_port({loss.node, loss.port, {}}); port.valid()) losses.push_back(port);
    }
    inputs_ = needed_inputs(graph, losses, true);
    fed_by_ = columns_of(graph, inputs_, columns);
  }

  bool bind(const GraphNode& node) {
    const int mask = node.contract().input_index(kMask), target = node.contract().input_index(kTarget);
    if (mask < 0 || target < 0 || node.inputs[static_cast<std::size_t>(mask)].valid()) return false;
    const Way way = way_to(graph_, node.inputs[static_cast<std::size_t>(target)]);
    const Column* column = mask_of(way.input);
    if (column == nullptr) return false;
    const bool fits = column->event.count() == graph_.shape({way.input, 0}).event().count();
    if (!fits && !way.moves.empty()) return false;
    Reference source = input_node(way.input, *column, fits ? graph_.shape({way.input, 0}).event() : column->event);
    for (std::size_t i = way.moves.size(); i-- > 0;) source = moved(source, way.moves[i]);
    find(node.path)->inputs.push_back({std::string(kMask), {source}, node.where});
    return true;
  }

 private:
  // The mask of the column that feeds an input; null if there is none.
  const Column* mask_of(int input) const {
    const auto it = std::ranges::find(inputs_, input);
    if (it == inputs_.end()) return nullptr;
    const std::string& fed_by = fed_by_[static_cast<std::size_t>(it - inputs_.begin())];
    const auto is_mask = [&](const Column& column) {
      return column.role == ColumnRole::mask && column.dtype == DType::f32 && column.name == mask_name(fed_by);
    };
    const auto column = std::ranges::find_if(columns_, is_mask);
    return column == columns_.end() ? nullptr : &*column;
  }

  std::vector<NodeEntry>::iterator find(const std::string& path) {
    return std::ranges::find(document_.nodes, path, &NodeEntry::path);
  }

  // The input node of a mask, beside the input of its column. A node of another kind keeps its name.
  Reference input_node(int beside, const Column& column, const Shape& event) {
    const NodeEntry of_column = *find(graph_.node(beside).path);
    for (std::string path = column.name;; path = "data/" + path) {
      const auto known = find(path);
      if (known == document_.nodes.end()) {
        NodeEntry entry;
        entry.path = path;
        entry.type = of_column.type;
        entry.where = entry.type_where = of_column.where;
        entry.options["shape"] = {extents_of(event), of_column.where};
        return add(std::move(entry), of_column.path);
      }
      const auto shape = known->options.find("shape");
      const bool same = known->type == of_column.type && shape != known->options.end() &&
                        shape->second.value == OptionValue(extents_of(event));
      if (same) return {path, "", known->where};
    }
  }

  // What a node that moves values makes of the mask.
  Reference moved(const Reference& mask, Port move) {
    const GraphNode& node = graph_.node(move.node);
    NodeEntry entry = *find(node.path);
    entry.path = mask.node + "_" + entry.path.substr(entry.path.rfind('/') + 1);
    entry.inputs = {{"", {mask}, entry.where}};
    const std::string port = node.contract().outputs()[static_cast<std::size_t>(move.index)].name;
    const auto same = [&](const NodeEntry& other) {
      return other.type == entry.type && other.inputs.size() == 1 && other.inputs[0].sources.size() == 1 &&
             other.inputs[0].sources[0].text() == mask.text();
    };
    for (auto known = find(entry.path); known != document_.nodes.end(); known = find(entry.path)) {
      if (same(*known)) return {known->path, port, known->where};
      entry.path += "_";
    }
    Reference made = add(std::move(entry), mask.node);
    made.port = port;
    return made;
  }

  Reference add(NodeEntry entry, const std::string& behind) {
    Reference made{entry.path, "", entry.where};
    document_.nodes.insert(find(behind) + 1, std::move(entry));
    return made;
  }

  Document& document_;
  const Graph& graph_;
  std::span<const Column> columns_;
  std::vector<int> inputs_;
  std::vector<std::string> fed_by_;  // a column for each of them
};

// Whether a port is read, and only by inputs `mask`; nodes that move values may lie between.
bool read_as_mask(const Graph& graph, Port port) {
  bool read = false;
  for (int index = 0; index < graph.size(); ++index) {
    const GraphNode& node = graph.node(index);
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] != port) continue;
      read = true;
      if (node.contract().input_at(static_cast<int>(i)).name == kMask) continue;
      if (!moves_values(node)) return false;
      bool any = false;
      for (int output = 0; output < static_cast<int>(node.outputs.size()); ++output)
        any = read_as_mask(graph, {index, output}) || any;
      if (!any) return false;
    }
  }
  return read;
}

}  // namespace

bool is_mask_input(const Graph& graph, int input) {
  const std::string& path = graph.node(input).path;
  const std::string name = path.substr(path.rfind('/') + 1);
  return (name == kMask || name.ends_with(fmt::format("_{}", kMask))) && read_as_mask(graph, {input, 0});
}

void bind_masks(Document& document, std::span<const Column> columns, const Registry& registry) {
  if (std::ranges::find(columns, ColumnRole::mask, &Column::role) == columns.end()) return;
  Diagnostics elsewhere;
  const auto graph = build_graph(document.nodes, registry, elsewhere);
  if (!graph) return;
  Binder binder(document, *graph, columns);
  bool changed = false;
  for (int i = 0; i < graph->size(); ++i) changed = binder.bind(graph->node(i)) || changed;
  if (changed) document.resolved = render_document(document);
}

}  // namespace loom
