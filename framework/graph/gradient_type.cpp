#include "graph/gradient_type.h"

#include <fmt/format.h>

#include <algorithm>

#include "graph/gradient_node.h"
#include "loom/node.h"

namespace loom {
namespace {

Options without_rest(const GradientOf& of) {
  Options options = of.options;
  if (!of.is_linear()) return options;
  for (const auto& [name, value] : of.type->contract.linear_without()) options.set(name, value);
  return options;
}

PortDeclaration& add_port(Contract& c, const std::string& name, DType dtype, std::string doc) {
  return c.input(name, "[...]", std::move(doc)).dtype(dtype).optional();
}

// The gradients of the outputs come first, so that a node that is passed over in one mode passes the first one on.
std::vector<GradientPort> declare_ports(const GradientOf& of, Contract& c) {
  using Kind = GradientPort::Kind;
  const Contract& own = of.type->contract;
  std::vector<GradientPort> ports;
  for (std::size_t k = 0; k < of.outputs.size(); ++k) {
    if (!of.carries(k)) continue;
    PortDeclaration& port = add_port(c, "diff_" + own.outputs()[k].name, DType::f32, "the gradient of the output");
    if (!of.second) port.no_gradient();
    ports.push_back({Kind::diff_output, static_cast<int>(k)});
  }
  for (std::size_t k = 0; k < of.inputs.size(); ++k) {
    const int index = static_cast<int>(k);
    const PortDeclaration& declared = own.input_at(index);
    const bool constant = (of.is_linear() && declared.is_differentiable && of.input_types[k] == DType::f32) ||
                          (of.is_linear_in_each() && index == of.input);
    if (of.inputs[k].rank() == 0 || declared.is_shape_only || constant) continue;
    PortDeclaration& port = add_port(c, own.input_name(index), of.input_types[k], declared.doc);
    port.minimum = declared.minimum, port.maximum = declared.maximum;
    const bool moves = of.second && !of.is_constant() && declared.is_differentiable &&
                       own.reads_in_backward(declared.name, of.options);
    if (!moves || of.input_types[k] != DType::f32) port.no_gradient();
    ports.push_back({Kind::input, index});
  }
  for (std::size_t k = 0; k < of.outputs.size(); ++k) {
    if (of.is_linear() || !own.reads_in_backward(own.outputs()[k].name, of.options)) continue;
    add_port(c, "output_" + own.outputs()[k].name, of.output_types[k], "the output").no_gradient();
    ports.push_back({Kind::output, static_cast<int>(k)});
  }
  return ports;
}

class Sum final : public Node {
 public:
  void forward(const Forward& f) const override {
    const TensorView y = f.output(0);
    std::ranges::copy(f.input(0).values(), y.data());
    for (int i = 1; i < f.input_count(); ++i) math::add(y.data(), f.input(i).data(), y.data(), y.count());
  }
  void backward(const Backward& b) const override {
    for (int i = 0; i < b.input_count(); ++i)
      if (b.wants_diff(i)) std::ranges::copy(b.diff_output(0).values(), b.diff_input(i).data());
  }
};

class ConstantGradient final : public Node {
 public:
  explicit ConstantGradient(float value) : value_(value) {}
  void forward(const Forward& f) const override { std::ranges::fill(f.output(0).values(), value_); }

 private:
  float value_;
};

}  // namespace

bool GradientOf::is_fused() const {
  const auto& fused = type->contract.fused();
  return fused && options.has(fused->option) && options.text(fused->option) != fused->none;
}

GradientType gradient_type(GradientOf of) {
  GradientType result;
  result.options = without_rest(of);
  NodeType type;
  type.keep = of.type->keep;
  type.name = "gradient of " + of.type->name;
  type.library = of.type->library;
  type.contract = of.type->contract.of_gradient();
  result.ports = declare_ports(of, type.contract);
  if (of.is_linear() && of.type->contract.parameters().empty()) {  // not the gradients of the outputs
    std::vector<std::string> read;
    for (std::size_t k = 0; k < result.ports.size(); ++k)
      if (result.ports[k].kind == GradientPort::Kind::input) read.push_back(type.contract.inputs()[k].name);
    type.contract.backward_reads(std::move(read));
  }
  const Shape shape = of.inputs[static_cast<std::size_t>(of.input)];
  const std::string name = "diff_" + of.type->contract.input_name(of.input);
  type.contract.output(name, "[...]", "the gradient of the input");
  type.infer = [name, shape](ShapeInference& s) { s.output(name, shape); };
  const auto shared = std::make_shared<const GradientOf>(std::move(of));
  type.create = [shared, ports = result.ports](const Options& options) {
    return std::make_unique<GradientNode>(shared, ports, options);
  };
  result.type = std::make_shared<const NodeType>(std::move(type));
  return result;
}

std::shared_ptr<const NodeType> gradient_sum_type(int inputs, bool carries) {
  NodeType type;
  type.name = "sum of gradients";
  type.contract.summary("The sum of gradients");
  for (int i = 0; i < inputs; ++i) type.contract.input(fmt::format("x{}", i), "[...]", "a gradient");
  PortDeclaration& y = type.contract.output("y", "[...]", "their sum");
  if (!carries) y.no_gradient();
  type.contract.linear().backward_reads({});
  if (inputs == 1) type.contract.alias();
  type.infer = [](ShapeInference& s) { s.output("y", s.input(0)); };
  type.create = [](const Options&) { return std::make_unique<Sum>(); };
  return std::make_shared<const NodeType>(std::move(type));
}

std::shared_ptr<const NodeType> constant_gradient_type(float value) {
  NodeType type;
  type.name = value == 0 ? "zeros" : "ones";
  type.contract.summary("A gradient that is the same everywhere");
  type.contract.output("y", "[N, ...]", type.name).no_gradient();
  type.create = [value](const Options&) { return std::make_unique<ConstantGradient>(value); };
  return std::make_shared<const NodeType>(std::move(type));
}

}  // namespace loom
