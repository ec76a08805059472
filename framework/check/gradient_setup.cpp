#include "check/gradient_setup.h"

#include "check/node_call.h"
#include "graph/gradient_type.h"

namespace loom::check {
namespace {

Shape abstract_shape(const Tensor& tensor, std::int64_t samples) {
  Shape shape = tensor.shape();
  if (shape.rank() > 0) shape[0] = -(shape[0] / samples);
  return shape;
}

GradientOf derivative_of(const NodeSetup& setup, int input) {
  GradientOf of{.type = setup.type, .options = setup.options, .outputs = setup.outputs, .input = input, .second = true};
  for (const Tensor& tensor : setup.inputs) {
    of.inputs.push_back(abstract_shape(tensor, setup.samples));
    of.input_types.push_back(tensor.dtype());
  }
  for (std::size_t k = 0; k < setup.outputs.size(); ++k) of.output_types.push_back(setup.output_type(k));
  for (const Tensor& state : setup.states) of.states.push_back(there(state) ? state.shape() : Shape());
  of.tallies = setup.tallies;
  if (of.is_fused()) of.options.set(setup.contract().fused()->option, setup.contract().fused()->none);
  return of;
}

}  // namespace

std::optional<NodeSetup> gradient_setup(const NodeSetup& setup, int input) {
  const auto index = static_cast<std::size_t>(input);
  const GradientOf of = derivative_of(setup, input);
  if (!setup.differentiable(index) || !of.has_second_derivative()) return std::nullopt;
  const GradientType type = gradient_type(of);
  NodeSetup result;
  result.type = type.type;
  result.options = type.options;
  std::uint64_t seed = 40;
  for (const GradientPort& port : type.ports) {
    const auto k = static_cast<std::size_t>(port.index);
    if (port.kind == GradientPort::Kind::output) {
      if (!of.is_constant()) return std::nullopt;  // the derivative moves with it, as it moves with the inputs
      result.inputs.push_back(std::move(NodeCalls(setup, 1, false).run({}).outputs[k]));
      continue;
    }
    const bool above = port.kind == GradientPort::Kind::diff_output;
    if (above && of.outputs[k].rank() == 0) result.inputs.emplace_back();
    if (above && of.outputs[k].rank() > 0)
      result.inputs.push_back(random_tensor(of.outputs[k].at_batch(setup.samples), ++seed));
    if (!above) result.inputs.push_back(setup.inputs[k].clone());
  }
  const auto& declared = setup.contract().parameters();
  for (std::size_t k = 0; k < setup.parameters.size(); ++k) {
    const bool kept = there(setup.parameters[k]) && (!declared[k].condition || declared[k].condition(type.options));
    result.parameters.push_back(kept ? setup.parameters[k].clone() : Tensor());
  }
  for (const Tensor& state : setup.states) result.states.push_back(there(state) ? state.clone() : Tensor());
  result.outputs = {of.inputs[index]};
  result.samples = setup.samples;
  result.training = setup.training;
  result.seed = setup.seed;
  return result;
}

}  // namespace loom::check
