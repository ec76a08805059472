// The typed graph: every node's type, options, sources and inferred shapes, in an order in which it can be computed.
//
// Ownership: immutable after build_graph(); shared by the programs compiled from it. Thread safety: reading is safe.
// Errors: build_graph() collects all errors of the entries (E2xx) in `diagnostics` and returns a graph only if there
// are none.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "graph/graph_document.h"
#include "graph/initial_values.h"
#include "graph/scheduled_options.h"
#include "loom/plugin.h"

namespace loom {

// An output port of a node, by index.
struct Port {
  int node = -1;
  int index = 0;
  bool valid() const { return node >= 0; }
  auto operator<=>(const Port&) const = default;
};

// The path and the shape of one parameter, state or tally of a node.
struct GraphParameter {
  std::string path;  // "encoder/conv1.weight"; of the owner, if weights are shared
  int declaration;   // index in the contract's list
  Shape shape;
  std::shared_ptr<const InitialValues> initial = nullptr;  // null: as the contract declares them
  std::string follows = {};                                // path of the value that it is a moving average of; "": none
  double decay = 0;
};

struct GraphNode {
  std::string path;
  Location where;
  std::shared_ptr<const NodeType> type;
  Options options;                         // of step 0, where options follow a schedule
  std::vector<ScheduledOption> scheduled;  // those options
  std::vector<Port> inputs;                // one per declared input, or per variadic source; invalid: not connected
  std::vector<Location> input_locations;
  std::vector<Shape> outputs;  // with the abstract batch axis
  std::vector<GraphParameter> parameters, states, tallies;
  When when = When::always;
  bool frozen = false;
  bool full_precision = false;  // it takes and computes nothing in bf16
  bool still = false;           // no objective may change it: its states stand still
  bool replaces_port = false;   // it has taken the place of a port of the document's graph
  bool has_part = false;        // a scan: its parameters are those of the nodes of its part, "rnn/update.weight"
  std::string drawn_as = {};    // the path of the node whose random values it draws; "": its own
  std::string ends_here = {};   // of a gradient: why none passes, the types through which one would; "": it passes

  const Contract& contract() const { return type->contract; }
  Options options_at(std::int64_t step) const;
  // A node that is frozen or stands still computes as in evaluation even in training: no dropout, running statistics
  // unchanged.
  bool trains(bool training) const { return training && !frozen && !still; }
  // Whether it has values that nodes change, not optimizers.
  bool moves_values() const;
  bool is_whole_batch(bool training) const { return type->contract.is_whole_batch(options, trains(training)); }
  bool has_sums_over_batch(bool training) const { return type->contract.has_sums_over_batch(trains(training)); }
  // The samples of the smallest batch that it can compute.
  std::int64_t least_samples(bool training) const {
    return is_whole_batch(training) ? type->contract.least_samples() : 1;
  }
  const std::string& stream_path() const { return drawn_as.empty() ? path : drawn_as; }
  bool is_input() const { return type->contract.role() == Role::input; }
  // Rows of the batch axis per sample: 1, unless parts were joined or repeated along it.
  std::int64_t rows_per_sample() const {
    return !outputs.empty() && outputs.front().per_sample() ? -outputs.front()[0] : 1;
  }
  // False if the parameter belongs to another node (`weights`).
  bool owns(const GraphParameter& parameter) const {
    if (parameter.path.size() <= path.size() || !parameter.path.starts_with(path)) return false;
    return has_part ? parameter.path[path.size()] == '/' : parameter.path.rfind('.') == path.size();
  }
  // The dtype of an output that does not have it from an input.
  DType declared_dtype(int output) const;
  // The source of the input that an output has its dtype from; invalid if there is none.
  Port typed_by(int output) const;
};

// The dtype of a port: declared, or that of the source which an alias or a node of any type has it from.
DType dtype_at(std::span<const GraphNode> nodes, Port port);

class Graph {
 public:
  const std::vector<GraphNode>& nodes() const { return nodes_; }
  const GraphNode& node(int index) const { return nodes_[static_cast<std::size_t>(index)]; }
  int size() const { return static_cast<int>(nodes_.size()); }
  // Sources before consumers; otherwise in the order of the entries.
  const std::vector<int>& order() const { return order_; }
  int find(const std::string& path) const;  // -1 if there is none
  // The same, or the last instance of a repeat of that name.
  int find_named(const std::string& name) const;
  // The names that a pattern of instances means, in the order of their numbers: "level/*/z". A name without `*` means
  // itself. Throws Error where there is none (`code`).
  std::vector<std::string> instances(const std::string& name, ErrorCode code) const;
  // "z" or "q.mu"; throws Error with the nearest name (`code`: bad_feed or bad_fetch).
  Port port(const std::string& name, ErrorCode code) const;
  Port port(const Reference& reference, ErrorCode code = ErrorCode::bad_fetch) const {
    return port(reference.text(), code);
  }
  // The same; not valid where there is none.
  Port find_port(const Reference& reference) const;
  std::string name_of(Port port) const;  // "q.mu"
  const Shape& shape(Port port) const { return node(port.node).outputs[static_cast<std::size_t>(port.index)]; }
  DType dtype(Port port) const;
  std::vector<int> inputs() const;  // the `input` nodes
  // The samples of the smallest batch in which a port can be computed; without one, every port.
  std::int64_t least_samples(bool training, Port port = {}) const;
  // A copy in which these nodes stand still.
  std::shared_ptr<const Graph> with_still(std::span<const int> nodes) const;
  // A copy in which a node has another value of an option that changes none of its ports.
  std::shared_ptr<const Graph> with_option(int node, const std::string& name, const OptionValue& value) const;
  // The port whose value a port has in the given mode: a node outside its `when` passes its first input through.
  Port effective(Port port, bool training) const;

 private:
  friend std::shared_ptr<const Graph> build_graph(const std::vector<NodeEntry>&, const Registry&, Diagnostics&);
  std::vector<GraphNode> nodes_;
  std::vector<int> order_;
  std::map<std::string, int> index_;
};

// Checks types, options, ports, sources, cycles, shapes and weight sharing. Null if `diagnostics` has errors.
std::shared_ptr<const Graph> build_graph(const std::vector<NodeEntry>& entries, const Registry& registry,
                                         Diagnostics& diagnostics);

}  // namespace loom
