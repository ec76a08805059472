// The nodes of which a gradient is made: one for each input of each node on the ways from the one port to the other.
//
// The forward of such a node is the node's own backward for that input, without gradients of parameters. Its backward, the
// second derivative, is there where the contract says so (Contract::linear, Contract::second_derivative).
//
// Thread safety: pure functions; the types are immutable.
#pragma once

#include <memory>
#include <vector>

#include "loom/plugin.h"

namespace loom {

// The derivative of a node by one of its inputs. Shapes have the abstract batch axis; rank 0: not connected, or left out.
struct GradientOf {
  std::shared_ptr<const NodeType> type;
  Options options;
  std::vector<Shape> inputs, outputs;
  std::vector<DType> input_types, output_types;
  std::vector<Shape> states, tallies;  // in the order of declaration
  int input = 0;                       // by which it is differentiated
  bool second = false;                 // a gradient may flow back through it

  // An output that a gradient comes from.
  bool carries(std::size_t output) const {
    return type->contract.outputs()[output].is_differentiable && output_types[output] == DType::f32;
  }
  // Something is applied to the first output for an option: see Contract::fuses.
  bool is_fused() const;
  // Whether the derivative moves with no input: nowhere, or but for kinks.
  bool is_constant() const { return !is_fused() && type->contract.is_linear(options); }
  // Whether it depends on no input.
  bool is_linear() const { return is_constant() && !type->contract.has_second_derivative(options); }
  bool is_linear_in_each() const { return type->contract.is_linear_in_each(); }
  bool has_second_derivative() const {
    return is_linear() || is_linear_in_each() || type->contract.has_second_derivative(options);
  }
};

// What an input of the new node reads: the gradient of an output of the node, or a value of the node itself.
struct GradientPort {
  enum class Kind { diff_output, input, output } kind = Kind::diff_output;
  int index = 0;
};

struct GradientType {
  std::shared_ptr<const NodeType> type;  // one output, of the shape of the input
  Options options;
  std::vector<GradientPort> ports;
};
GradientType gradient_type(GradientOf of);

// y = x0 + x1 + ... of equal shapes; `carries`: its gradient may be taken.
std::shared_ptr<const NodeType> gradient_sum_type(int inputs, bool carries);
// The same value everywhere, without a gradient: 1 is the gradient of a sum by its terms, 0 that of what a port does not
// depend on.
std::shared_ptr<const NodeType> constant_gradient_type(float value);

}  // namespace loom
