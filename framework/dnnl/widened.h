// Private to framework/dnnl: kernels that compute in f32, on values that are stored in bf16.
#pragma once

#include <functional>
#include <memory>

#include "dnnl/convolution_shape.h"
#include "dnnl/kernels.h"

namespace loom::dnnl {

using MakeForward = std::function<std::unique_ptr<const ForwardKernel>(const ConvolutionShape&)>;
using MakeWeights = std::function<std::unique_ptr<const BackwardWeightsKernel>(const ConvolutionShape&)>;

// What `make` makes of the shape where all values are stored in f32. Otherwise its kernels of some of the samples, one part
// after the other, so that the wide copies of a part take little memory and stay in a cache.
std::unique_ptr<const ForwardKernel> widened_forward(const ConvolutionShape& s, const MakeForward& make);
// From the gradient by y to that by x.
std::unique_ptr<const ForwardKernel> widened_data(const ConvolutionShape& s, const MakeForward& make);
std::unique_ptr<const BackwardWeightsKernel> widened_weights(const ConvolutionShape& s, const MakeWeights& make);

}  // namespace loom::dnnl
