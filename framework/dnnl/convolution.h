// Convolutions and transposed convolutions: forward and both gradients, channels last, PyTorch's parameter layouts.
//
// There are five algorithms, chosen from the shape of one sample alone, so that a shape always gives the same bits:
//   direct    oneDNN's direct kernels
//   columns   the windows as the rows of a matrix, a few rows at a time so that they stay in the cache, times the
//             weights; used if a pixel has too few channels to fill the vectors of the direct kernels
//   mirrored  columns with x and y exchanged; used if there are too few filters
//   winograd  F(4x4, 3x3) or F(4x4, 2x2) of each phase of the stride: 4, 2.56 or, for 5x5 with stride 2, 2.78 times fewer
//             multiplications (Lavin and Gray 2016; Huang et al. 2020). The forms may differ between rows and columns:
//             F(4x2, 3x5) and F(4x4, 2x3), 3.3 and 3.2 times fewer, are for the windows of causal convolutions. Kernels
//             of one row, dilated or strided, take F(4, 3), F(4, 2) or F(2, 5), 2, 1.6 and 1.67 times fewer. Its
//             error's norm is at most 5e-6 of the result's (tests/dnnl/winograd_test.cpp). Tiles mix neighbours: a pixel
//             outside of an output's window cancels only up to rounding, and makes the output NaN if it is NaN. Chosen
//             where the shape allows it (`transformed`) and measurements say that it is faster (winograd_choice.h).
//   bf16      oneDNN's direct kernels on operands rounded to bf16, with sums in f32; chosen where the shape allows it (`bf16`)
//             and has enough channels. Its error's norm is at most 5e-3 of the result's
#pragma once

#include <memory>

#include "dnnl/convolution_shape.h"
#include "dnnl/kernels.h"

namespace loom::dnnl {

enum class ConvolutionAlgorithm { automatic, direct, columns, mirrored, winograd, bf16 };

// They throw std::invalid_argument for impossible shapes, and std::runtime_error when oneDNN refuses. An `algorithm`
// other than automatic is for tests and measurements. columns needs groups == 1; mirrored needs that, a stride of 1 and
// padding less than the kernel, and does not exist for the gradient by the input; winograd needs groups == 1, no dilation, and
// 2 or 3 taps in a phase of the stride along each axis, or 3 down and 5 across; or one row of 2, 3 or 5 taps, whose dilation
// divides width and padding.

// y = relu(conv(x, weight) + bias).
std::unique_ptr<const ForwardKernel> make_convolution_forward(
    const ConvolutionShape& shape, ConvolutionAlgorithm algorithm = ConvolutionAlgorithm::automatic);
std::unique_ptr<const BackwardDataKernel> make_convolution_backward_data(
    const ConvolutionShape& shape, ConvolutionAlgorithm algorithm = ConvolutionAlgorithm::automatic);
std::unique_ptr<const BackwardWeightsKernel> make_convolution_backward_weights(
    const ConvolutionShape& shape, ConvolutionAlgorithm algorithm = ConvolutionAlgorithm::automatic);

// y = relu(conv_transpose(x, weight) + bias): the mirrored convolution's gradient by its input.
std::unique_ptr<const ForwardKernel> make_transposed_convolution_forward(
    const TransposedConvolutionShape& shape, ConvolutionAlgorithm algorithm = ConvolutionAlgorithm::automatic);
// The mirrored convolution, forward.
std::unique_ptr<const BackwardDataKernel> make_transposed_convolution_backward_data(
    const TransposedConvolutionShape& shape, ConvolutionAlgorithm algorithm = ConvolutionAlgorithm::automatic);
std::unique_ptr<const BackwardWeightsKernel> make_transposed_convolution_backward_weights(
    const TransposedConvolutionShape& shape, ConvolutionAlgorithm algorithm = ConvolutionAlgorithm::automatic);

}  // namespace loom::dnnl
