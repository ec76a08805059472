// The operations of the heavy nodes by name, and what computes them: the kernels of this folder, or an implementation
// that a program registers in their place (other number types, another algorithm, another processor).
//
//   kConvolution.forward.replace([](const ConvolutionShape& shape) { return make_my_forward(shape); });
//
// Nodes ask when they are prepared, so what is registered serves the programs that are made afterwards. A factory may
// return null for a shape that it has nothing for: the standard one is asked then.
//
// Thread safety: all of it.
#pragma once

#include <any>
#include <functional>
#include <memory>

#include "dnnl/convolution.h"
#include "dnnl/linear.h"

namespace loom::dnnl {

namespace detail {
std::shared_ptr<const std::any> replacement(const char* operation);  // null: none
void set_replacement(const char* operation, std::shared_ptr<const std::any> factory);
}  // namespace detail

template <class Kernel, class Shape>
struct Operation {
  using Factory = std::function<std::unique_ptr<const Kernel>(const Shape&)>;

  const char* name;
  std::unique_ptr<const Kernel> (*standard)(const Shape&);

  std::unique_ptr<const Kernel> make(const Shape& shape) const {
    if (const auto other = detail::replacement(name)) {
      if (auto kernel = std::any_cast<const Factory&>(*other)(shape)) return kernel;
    }
    return standard(shape);
  }
  void replace(Factory factory) const { detail::set_replacement(name, std::make_shared<std::any>(std::move(factory))); }
  void restore() const { detail::set_replacement(name, nullptr); }
};

// What a layer needs.
template <class Shape>
struct LayerOperations {
  Operation<ForwardKernel, Shape> forward;
  Operation<BackwardDataKernel, Shape> backward_data;
  Operation<BackwardWeightsKernel, Shape> backward_weights;
};

inline constexpr LayerOperations<ConvolutionShape> kConvolution{
    {"convolution.forward", [](const ConvolutionShape& s) { return make_convolution_forward(s); }},
    {"convolution.backward_data", [](const ConvolutionShape& s) { return make_convolution_backward_data(s); }},
    {"convolution.backward_weights", [](const ConvolutionShape& s) { return make_convolution_backward_weights(s); }}};

inline constexpr LayerOperations<TransposedConvolutionShape> kTransposedConvolution{
    {"transposed_convolution.forward",
     [](const TransposedConvolutionShape& s) { return make_transposed_convolution_forward(s); }},
    {"transposed_convolution.backward_data",
     [](const TransposedConvolutionShape& s) { return make_transposed_convolution_backward_data(s); }},
    {"transposed_convolution.backward_weights",
     [](const TransposedConvolutionShape& s) { return make_transposed_convolution_backward_weights(s); }}};

inline constexpr LayerOperations<LinearShape> kLinear{{"linear.forward", make_linear_forward},
                                                      {"linear.backward_data", make_linear_backward_data},
                                                      {"linear.backward_weights", make_linear_backward_weights}};

}  // namespace loom::dnnl
