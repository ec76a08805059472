// The arguments of a call of a node under test.
//
// Internal to framework/check. Ownership: values. Thread safety: values.
#pragma once

#include <memory>
#include <vector>

#include "loom/node.h"
#include "loom/tensor.h"

namespace loom::check {

// A tensor without axes means that the input is not connected.
bool there(const Tensor& tensor);

// A node with everything that its calls need, in declaration order.
struct NodeSetup {
  std::shared_ptr<const NodeType> type;
  Options options;
  std::vector<Tensor> inputs, parameters, states;
  std::vector<Shape> outputs, tallies;  // with the abstract batch axis
  std::int64_t samples = 0;
  bool training = true;
  bool transformed = false;  // Prepare::transformed
  bool bf16 = false;  // f32 ports are bf16, for a node that takes it (Contract::takes_bf16); results are f32 still
  std::uint64_t seed = 1;

  const Contract& contract() const { return type->contract; }
  DType output_type(std::size_t k) const;  // for an alias node, the type of its input
  DType stored(DType type) const { return bf16 && type == DType::f32 ? DType::bf16 : type; }
  // Gradients reach input i: it is connected, has floats and is declared differentiable.
  bool differentiable(std::size_t input) const;
};

// Standard normal gradients for every differentiable output.
std::vector<Tensor> random_gradients(const NodeSetup& setup);

// The inputs of `setup`, repeated until there are `samples` of them.
//
NodeSetup repeated(NodeSetup setup, std::int64_t samples);

}  // namespace loom::check
