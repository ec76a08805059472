// Private to framework/dnnl: the algorithms behind convolution.h.
#pragma once

#include <memory>

#include "dnnl/convolution_shape.h"
#include "dnnl/kernels.h"

namespace loom::dnnl {

// The gradient by the input as a forward pass, since that is what the forward pass of the transposed convolution is:
// x of the kernel is diff_y, and y is diff_x. bias (one value per channel of x; not read unless shape.bias) and relu apply
// to diff_x.
std::unique_ptr<const ForwardKernel> make_direct_backward_data(const ConvolutionShape& shape, bool relu);
std::unique_ptr<const ForwardKernel> make_columns_backward_data(const ConvolutionShape& shape, bool relu);

std::unique_ptr<const ForwardKernel> make_direct_forward(const ConvolutionShape& shape);
std::unique_ptr<const ForwardKernel> make_columns_forward(const ConvolutionShape& shape);
std::unique_ptr<const BackwardWeightsKernel> make_direct_backward_weights(const ConvolutionShape& shape);
std::unique_ptr<const BackwardWeightsKernel> make_columns_backward_weights(const ConvolutionShape& shape);

// For kernels of 2 or 3 taps along each axis, or in each phase of a stride; of 3 down and 5 across; and of 2, 3 or 5 taps along
// one axis (winograd_line.h).
bool has_winograd(const ConvolutionShape& shape);
std::unique_ptr<const ForwardKernel> make_winograd_forward(const ConvolutionShape& shape);
std::unique_ptr<const ForwardKernel> make_winograd_backward_data(const ConvolutionShape& shape, bool relu);
std::unique_ptr<const BackwardWeightsKernel> make_winograd_backward_weights(const ConvolutionShape& shape);

// On operands in bf16, as they are stored or rounded. Those of strided convolutions want has_blocks() (space_to_depth.h).
std::unique_ptr<const ForwardKernel> make_bf16_forward(const ConvolutionShape& shape);
std::unique_ptr<const ForwardKernel> make_bf16_backward_data(const ConvolutionShape& shape, bool relu);
std::unique_ptr<const BackwardWeightsKernel> make_bf16_backward_weights(const ConvolutionShape& shape);
std::unique_ptr<const ForwardKernel> make_strided_bf16_forward(const ConvolutionShape& shape);
std::unique_ptr<const ForwardKernel> make_strided_bf16_backward_data(const ConvolutionShape& shape, bool relu);
std::unique_ptr<const BackwardWeightsKernel> make_strided_bf16_backward_weights(const ConvolutionShape& shape);
// For images without groups.
std::unique_ptr<const BackwardWeightsKernel> make_taps_bf16_backward_weights(const ConvolutionShape& shape);

// For few filters; `shape` must satisfy can_be_mirrored().
bool can_be_mirrored(const ConvolutionShape& shape);
std::unique_ptr<const ForwardKernel> make_mirrored_forward(const ConvolutionShape& shape);
std::unique_ptr<const BackwardWeightsKernel> make_mirrored_backward_weights(const ConvolutionShape& shape);

}  // namespace loom::dnnl
