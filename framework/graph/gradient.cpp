#include "graph/gradient.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "graph/check_options.h"
#include "graph/gradient_type.h"
#include "graph/topological_order.h"

namespace loom {
namespace {

std::string types_with_second_derivative(const Registry& registry) {
  std::string names;
  for (const std::string& name : registry.node_names()) {
    if (registry.node(name)->contract.second_derivative_text().empty()) continue;
    names += (names.empty() ? "" : ", ") + name;
  }
  return names;
}

class GradientMaker {
 public:
  GradientMaker(std::vector<GraphNode>& nodes, const std::vector<int>& order, std::map<std::string, int>& index,
                const Registry& registry, int gradient)
      : nodes_(nodes), order_(order), index_(index), registry_(registry), gradient_(gradient) {
    of_ = own().inputs[0];
    at_ = own().inputs[1];
    stop_ = own().options.flag("stop");
  }

  bool run(Diagnostics& diagnostics) {
    mark_active();
    if (active_.count(of_) == 0) {
      if (is_rewritten()) return become(constant_gradient_type(0), {});
      report_no_way(diagnostics);
      return false;
    }
    contributions_[of_] = {add_ones()};
    for (auto it = order_.rbegin(); it != order_.rend(); ++it) {
      if (!differentiate(*it, diagnostics)) return false;
    }
    const std::vector<Port> parts = contributions_.at(at_);
    return become(gradient_sum_type(static_cast<int>(parts.size()), !stop_), parts);
  }

 private:
  GraphNode& own() { return node(gradient_); }
  GraphNode& node(int i) { return nodes_[static_cast<std::size_t>(i)]; }
  const Shape& shape(Port port) { return node(port.node).outputs[static_cast<std::size_t>(port.index)]; }

  bool become(std::shared_ptr<const NodeType> type, const std::vector<Port>& inputs) {
    GraphNode& made = own();
    made.type = std::move(type);
    made.options = {};
    made.inputs = inputs;
    made.input_locations.assign(inputs.size(), made.where);
    return true;
  }

  // Draws, and inputs for files, have taken the place of ports (document/rewrite.h): they may lie between the two.
  bool is_rewritten() const { return std::ranges::any_of(nodes_, &GraphNode::replaces_port); }

  bool carries(int index, int output) {
    return node(index).contract().outputs()[static_cast<std::size_t>(output)].is_differentiable &&
           dtype_at(nodes_, {index, output}) == DType::f32;
  }
  bool is_active(int index, std::size_t input) {
    const GraphNode& reader = node(index);
    const Port source = reader.inputs[input];
    return source.valid() && reader.contract().input_at(static_cast<int>(input)).is_differentiable &&
           active_.count(source) > 0;
  }

  // The ports that depend on `at` with a derivative.
  void mark_active() {
    active_.insert(at_);
    for (const int index : order_) {
      bool any = false;
      for (std::size_t k = 0; k < node(index).inputs.size(); ++k) any = any || is_active(index, k);
      if (!any) continue;
      for (int output = 0; output < static_cast<int>(node(index).outputs.size()); ++output)
        if (carries(index, output)) active_.insert({index, output});
    }
  }

  bool depends(Port port, std::set<int>& seen) {
    if (port == at_) return true;
    if (!seen.insert(port.node).second) return false;
    return std::ranges::any_of(std::vector<Port>(node(port.node).inputs),
                               [&](Port input) { return input.valid() && depends(input, seen); });
  }

  std::string name_of(Port port) {
    const GraphNode& owner = node(port.node);
    const auto& outputs = owner.contract().outputs();
    return outputs.size() == 1 ? owner.path : owner.path + "." + outputs[static_cast<std::size_t>(port.index)].name;
  }

  void report_no_way(Diagnostics& diagnostics) {
    std::set<int> seen;
    const bool read = depends(of_, seen);
    Diagnostic& finding =
        diagnostics.add(read ? ErrorCode::not_differentiable : ErrorCode::dangling_input, own().input_locations[0],
                        fmt::format("[gradient] '{}': '{}' {} '{}'", own().path, name_of(of_),
                                    read ? "has no derivative by" : "does not depend on", name_of(at_)));
    finding.expected = "a port `of` that is computed from the port `at`";
    if (read) finding.hint = "codes, a stop_gradient or an input without gradient lies between them";
    finding.other = node(at_.node).where;
    finding.other_role = "`at`";
  }

  int add(GraphNode made) {
    const std::string path = own().path + "/" + made.path;
    made.path = path;
    for (int i = 2; index_.count(made.path) > 0; ++i) made.path = fmt::format("{}-{}", path, i);
    made.where = own().where;
    made.input_locations.assign(made.inputs.size(), made.where);
    made.full_precision = true;
    index_[made.path] = static_cast<int>(nodes_.size());
    nodes_.push_back(std::move(made));
    return static_cast<int>(nodes_.size()) - 1;
  }

  Port add_ones() {
    GraphNode made;
    made.path = node(of_.node).path + "/one";
    made.type = constant_gradient_type(1);
    made.outputs = {shape(of_)};
    return {add(std::move(made)), 0};
  }

  // The whole gradient of a port; not valid where there is none.
  Port collect(Port port) {
    const auto it = contributions_.find(port);
    if (it == contributions_.end()) return {};
    if (it->second.size() == 1) return it->second.front();
    GraphNode made;
    made.path = node(port.node).path + "/sum";
    made.inputs = it->second;
    made.type = gradient_sum_type(static_cast<int>(made.inputs.size()), true);
    made.outputs = {shape(port)};
    it->second = {{add(std::move(made)), 0}};
    return it->second.front();
  }

  bool differentiate(int index, Diagnostics& diagnostics) {
    std::vector<Port> above;
    bool any = false;
    for (int output = 0; output < static_cast<int>(node(index).outputs.size()); ++output) {
      const Port port{index, output};
      const bool wanted = !(port == at_) && active_.count(port) > 0;
      above.push_back(wanted ? collect(port) : Port{});
      any = any || above.back().valid();
    }
    if (!any) return true;
    std::size_t inputs = 0;
    for (std::size_t k = 0; k < node(index).inputs.size(); ++k) inputs += is_active(index, k) ? 1 : 0;
    const bool is_loss = node(index).path.starts_with("losses/");  // left out in a mode, but never passed over
    if (node(index).when != When::always && !is_loss && !(inputs == 1 && is_active(index, 0))) {
      Diagnostic& finding =
          diagnostics.add(ErrorCode::bad_bypass, own().where,
                          fmt::format("[gradient] '{}': '{}' is bypassed in one mode", own().path, node(index).path));
      finding.expected = "a gradient through its first input alone";
      finding.other = node(index).where;
      finding.other_role = "the node";
      return false;
    }
    for (std::size_t k = 0; k < node(index).inputs.size(); ++k) {
      if (!is_active(index, k)) continue;
      const std::string suffix = inputs > 1 ? "/" + node(index).contract().input_name(static_cast<int>(k)) : "";
      const Port source = node(index).inputs[k];
      const Port gradient = add_derivative(index, static_cast<int>(k), above, suffix);
      contributions_[source].push_back(gradient);
    }
    return true;
  }

  GradientOf derivative_of(const GraphNode& of, int input) {
    GradientOf result{.type = of.type, .options = of.options, .outputs = of.outputs, .input = input, .second = !stop_};
    for (const Port source : of.inputs) {
      result.inputs.push_back(source.valid() ? shape(source) : Shape());
      result.input_types.push_back(source.valid() ? dtype_at(nodes_, source) : DType::f32);
    }
    for (int output = 0; output < static_cast<int>(of.outputs.size()); ++output)
      result.output_types.push_back(index_.count(of.path) > 0 ? dtype_at(nodes_, {index_.at(of.path), output})
                                                              : DType::f32);
    const auto shapes = [](const std::vector<GraphParameter>& own, std::size_t declared) {
      std::vector<Shape> all(declared);
      for (const GraphParameter& one : own) all[static_cast<std::size_t>(one.declaration)] = one.shape;
      return all;
    };
    result.states = shapes(of.states, of.contract().states().size());
    result.tallies = shapes(of.tallies, of.contract().tallies().size());
    return result;
  }

  // The gradient by one input of a node, given those of its outputs.
  Port add_derivative(int index, int input, std::vector<Port> above, const std::string& suffix) {
    GraphNode of = node(index);
    GradientOf derivative = derivative_of(of, input);
    if (!stop_ && derivative.is_fused()) {
      above.front() = through_fused(of, index, above.front());
      const FusedNode& fused = *of.contract().fused();
      derivative.options.set(fused.option, fused.none);
    }
    return add_one(of, derivative, index, above, of.path + suffix);
  }

  // The result of a node before something is applied to it.
  Port add_before(const GraphNode& of) {
    const FusedNode& fused = *of.contract().fused();
    GraphNode plain = of;
    plain.path = of.path + "/before";
    plain.options.set(fused.option, fused.none);
    plain.tallies.clear();
    plain.drawn_as = of.stream_path();
    return {add(std::move(plain)), 0};
  }

  // Back through what the node applies to its result.
  Port through_fused(const GraphNode& of, int index, Port above) {
    const FusedNode& fused = *of.contract().fused();
    GraphNode applied;
    applied.path = of.path;
    applied.type = registry_.node(fused.type);
    Diagnostics none;
    applied.options = check_options(applied.contract(), {}, of.where, fused.type, none);
    applied.options.set(fused.as, of.options.text(fused.option));
    applied.inputs = {Port{index, 0}};
    applied.outputs = of.outputs;
    if (!derivative_of(applied, 0).is_constant()) applied.inputs = {add_before(of)};
    applied.when = of.when;
    applied.frozen = of.frozen;
    return add_one(applied, derivative_of(applied, 0), index, {above}, of.path + "/" + fused.option);
  }

  Port add_one(const GraphNode& of, const GradientOf& derivative, int index, const std::vector<Port>& above,
               const std::string& path) {
    const GradientType type = gradient_type(derivative);
    GraphNode made;
    made.path = path;
    made.type = type.type;
    made.options = type.options;
    made.scheduled = of.scheduled;
    for (const GradientPort& port : type.ports) {
      const auto k = static_cast<std::size_t>(port.index);
      made.inputs.push_back(port.kind == GradientPort::Kind::diff_output ? above[k]
                            : port.kind == GradientPort::Kind::input     ? of.inputs[k]
                                                                         : Port{index, port.index});
    }
    made.outputs = {derivative.inputs[static_cast<std::size_t>(derivative.input)]};
    const auto& declared = of.contract().parameters();
    for (const GraphParameter& parameter : of.parameters) {
      const Condition& condition = declared[static_cast<std::size_t>(parameter.declaration)].condition;
      if (!condition || condition(type.options)) made.parameters.push_back(parameter);
    }
    made.states = of.states;
    made.when = of.path.starts_with("losses/") ? When::always : of.when;
    made.frozen = of.frozen;
    made.drawn_as = of.stream_path();
    if (!stop_ && !derivative.has_second_derivative()) made.ends_here = types_with_second_derivative(registry_);
    return {add(std::move(made)), 0};
  }

  std::vector<GraphNode>& nodes_;
  const std::vector<int> order_;  // of the graph as it was
  std::map<std::string, int>& index_;
  const Registry& registry_;
  int gradient_;
  Port of_, at_;
  bool stop_ = false;
  std::set<Port> active_;
  std::map<Port, std::vector<Port>> contributions_;
};

bool is_gradient(const GraphNode& node) { return node.contract().role() == Role::gradient; }

}  // namespace

void expand_gradients(std::vector<GraphNode>& nodes, std::vector<int>& order, std::map<std::string, int>& index,
                      const Registry& registry, Diagnostics& diagnostics) {
  const auto wanted = [&] {
    return std::ranges::find_if(order, [&](int i) { return is_gradient(nodes[static_cast<std::size_t>(i)]); });
  };
  for (auto it = wanted(); it != order.end(); it = wanted()) {
    if (!GradientMaker(nodes, order, index, registry, *it).run(diagnostics)) return;
    order = topological_order(nodes, {}, diagnostics);
  }
}

Diagnostic no_second_derivative(const GraphNode& node) {
  const std::string &path = node.drawn_as, gradient = node.path.substr(0, node.path.find("/" + path));
  const std::string type = node.type->name.substr(node.type->name.rfind(' ') + 1);
  Diagnostic finding;
  finding.code = ErrorCode::not_differentiable;
  finding.where = node.where;
  const bool third = node.type->name.starts_with("gradient of gradient of ");
  finding.message = fmt::format("[gradient] '{}' is differentiated again, and '{}' ({}) has no second derivative",
                                gradient, path, type);
  if (third) {
    finding.message = fmt::format("[gradient] '{}' is the gradient of a gradient, and is differentiated again",
                                  node.path.substr(0, node.path.find('/')));
    finding.expected = "derivatives of the second order at most";
  } else {
    const bool by_options = (", " + node.ends_here + ", ").find(", " + type + ", ") != std::string::npos;
    finding.got = by_options ? type + " with these options" : type;
    finding.expected = "one of " + node.ends_here;
  }
  finding.hint = "with stop: true the gradient is a factor, through which no gradient flows back";
  return finding;
}

}  // namespace loom
