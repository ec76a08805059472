#include "check/node_setup.h"

#include <algorithm>
#include <cstddef>

#include "graph/declared_dtype.h"
#include "loom/check.h"

namespace loom::check {

bool there(const Tensor& tensor) { return tensor.shape().rank() > 0; }

DType NodeSetup::output_type(std::size_t k) const {
  const PortDeclaration& output = contract().outputs()[k];
  if (contract().is_alias() || (!output.type_input.empty() && contract().variadic())) return inputs.front().dtype();
  return output.type_input.empty()
             ? declared_dtype(output, options)
             : inputs[static_cast<std::size_t>(contract().input_index(output.type_input))].dtype();
}

bool NodeSetup::differentiable(std::size_t input) const {
  const PortDeclaration& port = contract().input_at(static_cast<int>(input));
  return there(inputs[input]) && inputs[input].dtype() == DType::f32 && port.is_differentiable;
}

std::vector<Tensor> random_gradients(const NodeSetup& setup) {
  std::vector<Tensor> gradients(setup.outputs.size());
  for (std::size_t k = 0; k < setup.outputs.size(); ++k) {
    const PortDeclaration& port = setup.contract().outputs()[k];
    if (setup.output_type(k) != DType::f32 || !port.is_differentiable) continue;
    gradients[k] = random_tensor(setup.outputs[k].at_batch(setup.samples), 500 + k);
  }
  return gradients;
}

NodeSetup repeated(NodeSetup setup, std::int64_t samples) {
  for (Tensor& input : setup.inputs) {
    if (input.shape().rank() == 0) continue;
    const std::int64_t rows = input.shape()[0] / setup.samples * samples;
    Shape shape = input.shape();
    shape[0] = rows;
    Tensor longer(input.dtype(), shape);
    for (std::int64_t row = 0; row < rows; ++row) {
      const TensorView from = input.view().rows(row % input.shape()[0], 1), to = longer.view().rows(row, 1);
      std::copy_n(static_cast<const std::byte*>(from.raw()), from.bytes(), static_cast<std::byte*>(to.raw()));
    }
    input = std::move(longer);
  }
  setup.samples = samples;
  return setup;
}

}  // namespace loom::check
