// A fully connected layer over rows: forward and both gradients, with PyTorch's weight [outputs, inputs].
#pragma once

#include <cstdint>
#include <memory>

#include "dnnl/kernels.h"

namespace loom::dnnl {

// x is [rows, inputs], y is [rows, outputs], bias is [outputs].
struct LinearShape {
  std::int64_t rows = 1, inputs = 1, outputs = 1;
  bool bias = false, relu = false;      // only the forward pass looks at them
  bool pack = false;                    // the forward pass may pack the weight
  bool x_bf16 = false, y_bf16 = false;  // x, y, or their gradients, are stored in bf16; only with `bf16`
  // Rounds the operands of products (MatmulShape::bf16). The forward pass and the gradient by the input then both pack the
  // weight as it lies, rounded: one packed weight serves both.
  bool bf16 = false;
};

// They throw as those of convolutions do. The gradient by the weights leaves that by the bias out.
std::unique_ptr<const ForwardKernel> make_linear_forward(const LinearShape& shape);
std::unique_ptr<const BackwardDataKernel> make_linear_backward_data(const LinearShape& shape);
std::unique_ptr<const BackwardWeightsKernel> make_linear_backward_weights(const LinearShape& shape);

}  // namespace loom::dnnl
