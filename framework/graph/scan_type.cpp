#include "graph/scan_type.h"

#include <fmt/format.h>

#include <algorithm>

#include "graph/scan_node.h"
#include "graph/step_plan.h"

namespace loom {
namespace {

using Kind = ScanEntry::Kind;

// Each, whole, states: each kind in the order of the part's inputs.
std::vector<ScanEntry::Input> ordered_inputs(const ScanEntry& scan) {
  std::vector<ScanEntry::Input> inputs = scan.inputs;
  std::ranges::stable_sort(inputs, {}, &ScanEntry::Input::kind);
  return inputs;
}

// What a step computes, in words: two parts with the same text compute the same of the same weights.
std::string part_text(const ScanEntry& scan) {
  std::string text;
  for (const ScanEntry::Input& input : scan.inputs)
    text += fmt::format("{} {}\n", static_cast<int>(input.kind), input.name);
  for (const NodeEntry& node : scan.nodes) {
    text += fmt::format("{} {} {} {}", node.path, node.type, static_cast<int>(node.when), node.weights);
    for (const auto& [name, option] : node.options) text += fmt::format(" {}={}", name, option.value.text());
    for (const InputEntry& input : node.inputs)
      for (const Reference& source : input.sources) text += fmt::format(" {}<{}", input.port, source.text());
    text += node.scan ? "\n" + part_text(*node.scan) : "\n";
  }
  for (const ScanEntry::Output& output : scan.outputs)
    text += fmt::format("{}={}\n", output.name, output.source.text());
  return text;
}

std::string last_of(const std::string& state) { return state + "_last"; }

void declare_scan_options(Contract& c) {
  c.summary("A part of a graph, applied at each place of an axis");
  c.option("axis", 1, integer(), "the axis along which the inputs are cut and the outputs stacked; -1: the last");
  c.option("reverse", false, flag(), "from the last place to the first");
  c.option("steps", OptionValue(), integer().at_least(1),
           "how many steps, where no input has a value for each of them");
}

// What an input of a scan is connected to.
struct ScanSource {
  Shape shape;
  DType dtype = DType::f32;
  Location where;
};

// T: the axis of the steps, where it is the first of an event. `sources`: what they are connected to, if that is known.
void declare_scan_inputs(Contract& c, const std::vector<ScanEntry::Input>& inputs, std::int64_t axis,
                         const std::vector<ScanSource>& sources) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    static constexpr const char* kDoc[] = {"a value for each step", "the same in each step", "the first state"};
    const char* axes = inputs[i].kind == Kind::each && axis == 1 ? "N, T" : "N";
    c.input(inputs[i].name, fmt::format("[{}, ...I{}]", axes, i), kDoc[static_cast<std::size_t>(inputs[i].kind)])
        .dtype(sources.empty() ? DType::f32 : sources[i].dtype);
  }
}

struct ScanType {
  std::shared_ptr<const NodeType> type;                       // null: with diagnostics
  std::vector<std::shared_ptr<const InitialValues>> initial;  // of each parameter
};

class ScanBuilder {
 public:
  ScanBuilder(const NodeEntry& entry, const Options& options, const std::vector<ScanSource>& sources,
              const Registry& registry, Diagnostics& diagnostics)
      : entry_(entry),
        scan_(*entry.scan),
        options_(options),
        sources_(sources),
        registry_(registry),
        diagnostics_(diagnostics) {}

  ScanType build() {
    const std::size_t before = diagnostics_.size();
    part_->path = entry_.path;
    part_->inputs = ordered_inputs(scan_);
    part_->reverse = options_.flag("reverse");
    if (!find_axis() || !build_graph_of_part()) return {};
    find_outputs();
    for (const int i : part_->graph->order()) check_node(part_->graph->node(i));
    if (diagnostics_.size() > before) return {};
    return make_type();
  }

 private:
  Diagnostic& report(ErrorCode code, const Location& where, const std::string& what) {
    return diagnostics_.add(code, where, fmt::format("[scan] '{}': {}", entry_.path, what));
  }

  bool find_axis() {
    std::int64_t axis = options_.integer("axis");
    std::int64_t steps = options_.has("steps") ? options_.integer("steps") : 0;
    const ScanSource* first = nullptr;
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      if (!part_->is(i, Kind::each)) continue;
      const ScanSource& source = sources_[i];
      if (axis < 0 && first == nullptr) axis += source.shape.rank();
      if (axis < 1 || axis >= source.shape.rank()) {
        Diagnostic& finding =
            report(ErrorCode::shape_mismatch, source.where,
                   fmt::format("the input '{}' has no axis {}", part_->inputs[i].name, options_.integer("axis")));
        finding.got = source.shape.text();
        finding.expected = fmt::format("an axis from 1 to {}, or from -1 on backwards", source.shape.rank() - 1);
        finding.hint = "axis 0 is the batch; an input that is the same in each step stands under `whole`";
        return false;
      }
      const std::int64_t extent = source.shape[static_cast<int>(axis)];
      if (steps > 0 && extent != steps) {
        Diagnostic& finding = report(ErrorCode::shape_mismatch, source.where,
                                     fmt::format("the input '{}' has another number of steps", part_->inputs[i].name));
        finding.got = fmt::format("{} along axis {} of {}", extent, axis, source.shape.text());
        finding.expected = fmt::format("{}", steps);
        if (first != nullptr) finding.add_end(first->where, fmt::format("{}", first->shape.text()));
        return false;
      }
      steps = extent;
      first = &source;
    }
    part_->axis = axis;
    part_->steps = steps;
    if (steps > 0 && axis > 0) return true;
    Diagnostic& finding = report(ErrorCode::missing_input, entry_.where, "nothing says how many steps it has");
    finding.expected = "an input with a value for each step (`in`), or `steps: 10` and an axis from 1 on";
    return false;
  }

  Shape step_shape(std::size_t i) const {
    const Shape& whole = sources_[i].shape;
    if (!part_->is(i, Kind::each)) return whole;
    Shape shape;
    for (int axis = 0; axis < whole.rank(); ++axis) {
      if (axis != part_->axis) shape.push_back(whole[axis]);
    }
    return shape;
  }

  NodeEntry input_entry(std::size_t i) const {
    NodeEntry node;
    for (const std::string& name : registry_.node_names()) {
      if (registry_.node(name)->contract.role() == Role::input) node.type = name;
    }
    node.path = part_->inputs[i].name;
    node.where = node.type_where = part_->inputs[i].where;
    const Shape shape = step_shape(i);
    std::vector<OptionValue> extents;
    for (int axis = 1; axis < shape.rank(); ++axis) extents.emplace_back(shape[axis]);
    node.options["shape"] = {OptionValue(std::move(extents)), node.where};
    node.options["dtype"] = {OptionValue(std::string(name_of(sources_[i].dtype))), node.where};
    node.rows = -shape[0];
    return node;
  }

  bool build_graph_of_part() {
    std::vector<NodeEntry> entries;
    for (std::size_t i = 0; i < part_->inputs.size(); ++i) entries.push_back(input_entry(i));
    entries.insert(entries.end(), scan_.nodes.begin(), scan_.nodes.end());
    part_->graph = build_graph(entries, registry_, diagnostics_);
    if (!part_->graph) return false;
    for (const ScanEntry::Input& input : part_->inputs)
      part_->input_ports.push_back({part_->graph->find(input.name), 0});
    for (const ScanEntry::Output& output : scan_.outputs) {
      const Port port = part_->graph->find_port(output.source);
      if (!port.valid()) {
        Diagnostic& finding = report(ErrorCode::unknown_port, output.where,
                                     fmt::format("the part's output '{}' is '{}', which is no port of its nodes",
                                                 output.name, output.source.text()));
        finding.expected = "a node of the part, or node.port";
        return false;
      }
      part_->outputs.push_back(output.name);
      part_->output_ports.push_back(port);
    }
    return true;
  }

  void find_outputs() {
    const Graph& graph = *part_->graph;
    for (std::size_t k = 0; k < part_->outputs.size(); ++k) {
      const Shape& step = graph.shape(part_->output_ports[k]);
      Shape shape;
      for (int axis = 0; axis <= step.rank() && step.rank() < kMaxRank; ++axis) {
        if (axis == part_->axis) shape.push_back(part_->steps);
        if (axis < step.rank()) shape.push_back(step[axis]);
      }
      part_->output_shapes.push_back(shape);
      if (shape.rank() == step.rank() + 1 && step.per_sample()) continue;
      Diagnostic& finding =
          report(ErrorCode::shape_mismatch, scan_.outputs[k].where,
                 fmt::format("the output '{}' cannot be stacked along axis {}", part_->outputs[k], part_->axis));
      finding.got = step.text();
      finding.expected = fmt::format("at least {} axes, and less than {}", part_->axis, kMaxRank);
    }
    for (std::size_t i = 0; i < part_->inputs.size(); ++i) find_next(i);
  }

  // The output of a state's name has the state's shape.
  void find_next(std::size_t i) {
    part_->next.push_back(-1);
    if (!part_->is(i, Kind::state)) return;
    const ScanEntry::Input& state = part_->inputs[i];
    const auto at = std::ranges::find(part_->outputs, state.name) - part_->outputs.begin();
    part_->next.back() = static_cast<int>(at);  // there is one: scan_ports
    const Port port = part_->output_ports[static_cast<std::size_t>(at)];
    const Shape &before = sources_[i].shape, &after = part_->graph->shape(port);
    const DType dtype = part_->graph->dtype(port);
    if (before == after && dtype == sources_[i].dtype) return;
    const ErrorCode code = before == after ? ErrorCode::dtype_mismatch : ErrorCode::shape_mismatch;
    Diagnostic& finding = report(code, state.where, fmt::format("a step changes what the state '{}' is", state.name));
    finding.got = fmt::format("{} {} after a step", name_of(dtype), after.text());
    finding.expected = fmt::format("{} {}, as it starts", name_of(sources_[i].dtype), before.text());
    finding.add_end(scan_.outputs[static_cast<std::size_t>(at)].where, "the part's output");
    finding.add_end(sources_[i].where, "the first state");
  }

  void check_node(const GraphNode& node) {
    const char* why = nullptr;
    const char* hint = "put it before or after the scan";
    const auto follows_another = [&](const GraphParameter& parameter) {
      return node.contract().parameters()[static_cast<std::size_t>(parameter.declaration)].initializer.kind ==
             Initializer::Kind::equal;
    };
    const bool is_own = std::ranges::find(part_->inputs, node.path, &ScanEntry::Input::name) != part_->inputs.end();
    if (node.is_input() && !is_own) why = "values come into a part by its `inputs`";
    if (std::ranges::any_of(node.parameters, follows_another)) why = "it normalises its weight";
    if (node.contract().is_whole_batch(node.options, true) || node.contract().has_sums_over_batch(true))
      why = "it sees the whole batch";
    if (!node.states.empty() || !node.tallies.empty()) why = "it has states that training changes";
    if (!node.scheduled.empty()) why = "an option of it follows a schedule";
    if (node.frozen) {
      why = "it is frozen or an average, and the nodes around it are not";
      hint = "freeze the whole scan, or nothing in it";
    }
    if (why == nullptr) return;
    Diagnostic& finding =
        report(ErrorCode::not_supported, node.where,
               fmt::format("'{}' ({}) cannot be in a part that is scanned: {}", node.path, node.type->name, why));
    finding.expected = "nodes that work on each sample alone and keep nothing";
    finding.hint = hint;
  }

  // The first batch goes through layers one after the other, and through a scan as a whole.
  void check_initial(const GraphNode& node, const GraphParameter& parameter) {
    if (!parameter.initial || !parameter.initial->rule->from_data) return;
    Diagnostic& finding =
        report(ErrorCode::not_supported, node.where,
               fmt::format("'{}' is in a part that is scanned: the data cannot initialise it", parameter.path));
    finding.got = parameter.initial->rule->name;
    finding.expected = "a rule that needs no data, such as orthogonal or xavier";
  }

  ScanType make_type() {
    auto type = std::make_shared<NodeType>();
    ScanType result;
    type->name = "scan";
    Contract& c = type->contract;
    declare_scan_options(c);
    declare_scan_inputs(c, part_->inputs, part_->axis, sources_);
    add_parameters(c, result);
    const StepPlan plan = plan_steps(*part_, true);
    for (std::size_t k = 0; k < part_->outputs.size(); ++k)
      add_output(c, part_->outputs[k], plan.value(plan.outputs[k]), part_->output_shapes[k]);
    for (std::size_t i = 0; i < part_->inputs.size(); ++i) {
      if (!part_->is(i, Kind::state)) continue;
      const StepValue& next = plan.value(plan.outputs[static_cast<std::size_t>(part_->next[i])]);
      add_output(c, last_of(part_->inputs[i].name), next, next.shape).optional();
      part_->output_shapes.push_back(next.shape);
    }
    add_traits(c);
    const std::shared_ptr<const ScanPart> part = part_;
    type->infer = [part](ShapeInference& s) {
      for (std::size_t k = 0; k < s.contract().outputs().size(); ++k)
        s.output(s.contract().outputs()[k].name, part->output_shapes[k]);
    };
    type->create = [part](const Options&) { return make_scan_node(part); };
    result.type = std::move(type);
    return result;
  }

  static PortDeclaration& add_output(Contract& c, const std::string& name, const StepValue& value, const Shape&) {
    PortDeclaration& port = c.output(name, "[N, ...]", "of each step, or the last state").dtype(value.dtype);
    if (!value.gradient) port.no_gradient();
    return port;
  }

  // Those of all nodes, by their paths in the part; nodes that share weights have one.
  void add_parameters(Contract& c, ScanType& result) {
    for (const int i : part_->graph->order()) {
      const GraphNode& node = part_->graph->node(i);
      for (const GraphParameter& parameter : node.parameters) {
        if (!node.owns(parameter)) continue;
        const auto& declared = node.contract().parameters()[static_cast<std::size_t>(parameter.declaration)];
        Initializer initial = declared.initializer;
        if (!initial.of.empty()) initial.of = node.path + "." + initial.of;
        std::string extents;
        for (const std::int64_t extent : parameter.shape.extents())
          extents += (extents.empty() ? "" : ", ") + std::to_string(extent);
        c.parameter(parameter.path, "[" + extents + "]", initial, declared.doc);
        part_->parameters.push_back(parameter.path);
        result.initial.push_back(parameter.initial);
        check_initial(node, parameter);
      }
    }
  }

  void add_traits(Contract& c) const {
    std::vector<std::string> read;
    for (std::size_t i = 0; i < part_->inputs.size(); ++i) {
      if (part_->is(i, Kind::whole)) read.push_back(part_->inputs[i].name);
    }
    c.backward_reads(read);  // the values of each step are saved
    bool always = false, training = false;
    for (const GraphNode& node : part_->graph->nodes()) {
      always = always || node.contract().is_stochastic(false);
      training = training || node.contract().is_stochastic(true);
    }
    if (always) c.stochastic();
    if (training) c.stochastic_in_training();
    const bool sequence = !part_->inputs.empty() && part_->is(0, Kind::each);
    if (sequence && part_->axis == 1 && !part_->reverse) c.causal("T");
  }

  const NodeEntry& entry_;
  const ScanEntry& scan_;
  const Options& options_;
  const std::vector<ScanSource>& sources_;
  const Registry& registry_;
  Diagnostics& diagnostics_;
  std::shared_ptr<ScanPart> part_ = std::make_shared<ScanPart>();
};

}  // namespace

std::shared_ptr<const NodeType> scan_ports(const NodeEntry& entry, Diagnostics& diagnostics) {
  auto type = std::make_shared<NodeType>();
  type->name = "scan";
  declare_scan_options(type->contract);
  const std::vector<ScanEntry::Input> inputs = ordered_inputs(*entry.scan);
  declare_scan_inputs(type->contract, inputs, 0, {});
  std::vector<std::string> names;
  for (const ScanEntry::Output& output : entry.scan->outputs) {
    names.push_back(output.name);
    type->contract.output(output.name, "[N, ...]", "of each step");
  }
  bool good = true;
  for (const ScanEntry::Input& input : inputs) {
    if (input.kind != Kind::state) continue;
    const bool next = std::ranges::find(names, input.name) != names.end();
    const bool free = std::ranges::find(names, last_of(input.name)) == names.end();
    if (free) type->contract.output(last_of(input.name), "[N, ...]", "the last state");
    good = good && next && free;
    if (next && free) continue;
    Diagnostic& finding = diagnostics.add(
        ErrorCode::unknown_port, input.where,
        next ? fmt::format("[scan] '{}': the output '{}' has the name of the last state of '{}'", entry.path,
                           last_of(input.name), input.name)
             : fmt::format("[scan] '{}': the part has no output '{}', which the state would be after a step",
                           entry.path, input.name));
    finding.expected = next ? "another name of the output" : "an output of the part with the name of the state";
    if (!next) finding.suggestion = nearest_name(input.name, names);
  }
  return good ? type : nullptr;
}

bool complete_scan(std::span<const GraphNode> nodes, GraphNode& scan, const NodeEntry& entry, const Registry& registry,
                   std::vector<std::shared_ptr<const InitialValues>>& initial, Diagnostics& diagnostics) {
  std::vector<ScanSource> sources;
  for (std::size_t k = 0; k < scan.inputs.size(); ++k) {
    const Port port = scan.inputs[k];
    const GraphNode& source = nodes[static_cast<std::size_t>(port.node)];
    sources.push_back(
        {source.outputs[static_cast<std::size_t>(port.index)], dtype_at(nodes, port), scan.input_locations[k]});
  }
  ScanType full = ScanBuilder(entry, scan.options, sources, registry, diagnostics).build();
  if (!full.type) return false;
  scan.type = std::move(full.type);
  // Whoever asks whether two nodes compute the same compares their options. A list, since texts of nodes that share weights
  // have to be equal.
  scan.options.set("part", OptionValue(std::vector<OptionValue>{OptionValue(part_text(*entry.scan))}));
  initial = std::move(full.initial);
  return true;
}

}  // namespace loom
