// Private to framework/dnnl: the algorithms behind the classes of convolution.h.
#pragma once

#include <memory>
#include <string>

#include "dnnl/convolution.h"

namespace loom::dnnl {

class ForwardMethod {
 public:
  virtual ~ForwardMethod() = default;
  virtual std::size_t scratch_bytes() const = 0;
  virtual std::size_t packed_bytes() const = 0;
  virtual void pack(const float* weight, void* packed, void* scratch) const = 0;
  virtual void execute(const float* x, const void* weight, const float* bias, float* y, void* scratch) const = 0;
  virtual std::string implementation() const = 0;
};

class BackwardDataMethod {
 public:
  virtual ~BackwardDataMethod() = default;
  virtual std::size_t scratch_bytes() const = 0;
  virtual std::size_t packed_bytes() const = 0;
  virtual void pack(const float* weight, void* packed, void* scratch) const = 0;
  // bias (one per channel of x; not read unless shape.bias) and relu apply to diff_x, so that this is also the
  // forward pass of the transposed convolution.
  virtual void execute(const float* diff_y, const void* weight, const float* bias, float* diff_x,
                       void* scratch) const = 0;
  virtual std::string implementation() const = 0;
};

class BackwardWeightsMethod {
 public:
  virtual ~BackwardWeightsMethod() = default;
  virtual std::size_t scratch_bytes() const = 0;
  virtual void execute(const float* x, const float* diff_y, float* diff_weight, float* diff_bias,
                       void* scratch) const = 0;
  virtual std::string implementation() const = 0;
};

std::unique_ptr<const ForwardMethod> make_direct_forward(const ConvolutionShape& shape);
std::unique_ptr<const ForwardMethod> make_columns_forward(const ConvolutionShape& shape);
std::unique_ptr<const BackwardDataMethod> make_direct_backward_data(const ConvolutionShape& shape, bool relu);
std::unique_ptr<const BackwardDataMethod> make_columns_backward_data(const ConvolutionShape& shape, bool relu);
std::unique_ptr<const BackwardWeightsMethod> make_direct_backward_weights(const ConvolutionShape& shape);
std::unique_ptr<const BackwardWeightsMethod> make_columns_backward_weights(const ConvolutionShape& shape);

// For few filters; `shape` must satisfy can_be_mirrored().
bool can_be_mirrored(const ConvolutionShape& shape);
std::unique_ptr<const ForwardMethod> make_mirrored_forward(const ConvolutionShape& shape);
std::unique_ptr<const BackwardWeightsMethod> make_mirrored_backward_weights(const ConvolutionShape& shape);

// For error messages: "convolution[4x28x28x1], 32 filters 4x4".
std::string describe(const ConvolutionShape& shape);

}  // namespace loom::dnnl
