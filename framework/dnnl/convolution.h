// Convolutions and transposed convolutions: forward and both gradients, channels last, PyTorch's parameter layouts.
//
// There are three algorithms, chosen from the shape alone, so that a shape always gives the same bits:
//   direct    oneDNN's direct kernels
//   columns   the windows as the rows of a matrix, a few rows at a time so that they stay in the cache, times the
//             weights; used if a pixel has too few channels to fill the vectors of the direct kernels
//   mirrored  columns with x and y exchanged; used if there are too few filters
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace loom::dnnl {

// x is [n,h,w,c], y is [n,out_h(),out_w(),filters], weight is [filters,c/groups,kh,kw], bias is [filters].
// One-dimensional data has h = kh = 1.
struct ConvolutionShape {
  std::int64_t n = 1, h = 1, w = 1, c = 1, filters = 1;
  std::int64_t kh = 1, kw = 1;
  std::int64_t stride_h = 1, stride_w = 1;
  std::int64_t pad_top = 0, pad_bottom = 0, pad_left = 0, pad_right = 0;
  std::int64_t dilation_h = 1, dilation_w = 1;  // 1: dense
  std::int64_t groups = 1;
  bool bias = false;
  bool relu = false;  // only the forward pass uses it

  std::int64_t out_h() const { return (h + pad_top + pad_bottom - (kh - 1) * dilation_h - 1) / stride_h + 1; }
  std::int64_t out_w() const { return (w + pad_left + pad_right - (kw - 1) * dilation_w - 1) / stride_w + 1; }
  std::int64_t x_count() const { return n * h * w * c; }
  std::int64_t y_count() const { return n * out_h() * out_w() * filters; }
  std::int64_t weight_count() const { return filters * (c / groups) * kh * kw; }
};

// x is [n,h,w,c], y is [n,out_h(),out_w(),filters], weight is [c,filters/groups,kh,kw], bias is [filters].
// Padding is cut off the result, as in PyTorch; output padding rows and columns see only the bias and partial windows.
struct TransposedConvolutionShape {
  std::int64_t n = 1, h = 1, w = 1, c = 1, filters = 1;
  std::int64_t kh = 1, kw = 1;
  std::int64_t stride_h = 1, stride_w = 1;
  std::int64_t pad_top = 0, pad_bottom = 0, pad_left = 0, pad_right = 0;
  std::int64_t output_padding_h = 0, output_padding_w = 0;
  std::int64_t dilation_h = 1, dilation_w = 1;
  std::int64_t groups = 1;
  bool bias = false;
  bool relu = false;

  std::int64_t out_h() const {
    return (h - 1) * stride_h - pad_top - pad_bottom + (kh - 1) * dilation_h + output_padding_h + 1;
  }
  std::int64_t out_w() const {
    return (w - 1) * stride_w - pad_left - pad_right + (kw - 1) * dilation_w + output_padding_w + 1;
  }
  std::int64_t x_count() const { return n * h * w * c; }
  std::int64_t y_count() const { return n * out_h() * out_w() * filters; }
  std::int64_t weight_count() const { return c * (filters / groups) * kh * kw; }
  // The convolution whose gradient this is: from this one's y to its x, with the same weight.
  ConvolutionShape mirrored() const;
};

enum class ConvolutionAlgorithm { automatic, direct, columns, mirrored };

class ForwardMethod;
class BackwardDataMethod;
class BackwardWeightsMethod;

// The classes below are immutable; pack() and execute() may run on many threads at once, each with its own scratch of
// scratch_bytes(), 64-byte aligned. If packed_bytes() is not 0, execute() takes the result of pack() in place of the
// plain weight: pack once after each update of the weight, and share the result. Forward and backward data pack
// differently. Constructors throw std::invalid_argument for impossible shapes, and std::runtime_error if oneDNN
// refuses. An `algorithm` other than automatic is for tests and measurements. columns needs groups == 1. mirrored
// also needs a stride of 1 and padding less than the kernel, and does not exist for the gradient by the input.

// y = relu(conv(x, weight) + bias).
class ConvolutionForward {
 public:
  explicit ConvolutionForward(const ConvolutionShape& shape,
                              ConvolutionAlgorithm algorithm = ConvolutionAlgorithm::automatic);
  ~ConvolutionForward();
  ConvolutionForward(ConvolutionForward&&) noexcept;
  ConvolutionForward& operator=(ConvolutionForward&&) noexcept;

  std::size_t scratch_bytes() const;
  std::size_t packed_bytes() const;
  void pack(const float* weight, void* packed, void* scratch) const;
  void execute(const float* x, const void* weight, const float* bias, float* y, void* scratch) const;
  std::string implementation() const;

 private:
  std::unique_ptr<const ForwardMethod> method_;
};

// diff_x = the gradient of the loss by x; overwrites. diff_y is by the sum before relu (see relu_mask).
class ConvolutionBackwardData {
 public:
  explicit ConvolutionBackwardData(const ConvolutionShape& shape,
                                   ConvolutionAlgorithm algorithm = ConvolutionAlgorithm::automatic);
  ~ConvolutionBackwardData();
  ConvolutionBackwardData(ConvolutionBackwardData&&) noexcept;
  ConvolutionBackwardData& operator=(ConvolutionBackwardData&&) noexcept;

  std::size_t scratch_bytes() const;
  std::size_t packed_bytes() const;
  void pack(const float* weight, void* packed, void* scratch) const;
  void execute(const float* diff_y, const void* weight, float* diff_x, void* scratch) const;
  std::string implementation() const;

 private:
  std::unique_ptr<const BackwardDataMethod> method_;
};

// diff_weight += the gradient by the weight, in the plain layout; diff_bias += the gradient by the bias, if
// shape.bias.
class ConvolutionBackwardWeights {
 public:
  explicit ConvolutionBackwardWeights(const ConvolutionShape& shape,
                                      ConvolutionAlgorithm algorithm = ConvolutionAlgorithm::automatic);
  ~ConvolutionBackwardWeights();
  ConvolutionBackwardWeights(ConvolutionBackwardWeights&&) noexcept;
  ConvolutionBackwardWeights& operator=(ConvolutionBackwardWeights&&) noexcept;

  std::size_t scratch_bytes() const;
  void execute(const float* x, const float* diff_y, float* diff_weight, float* diff_bias, void* scratch) const;
  std::string implementation() const;

 private:
  std::unique_ptr<const BackwardWeightsMethod> method_;
};

// y = relu(conv_transpose(x, weight) + bias): the mirrored convolution's gradient by its input.
class TransposedConvolutionForward {
 public:
  explicit TransposedConvolutionForward(const TransposedConvolutionShape& shape,
                                        ConvolutionAlgorithm algorithm = ConvolutionAlgorithm::automatic);
  ~TransposedConvolutionForward();
  TransposedConvolutionForward(TransposedConvolutionForward&&) noexcept;
  TransposedConvolutionForward& operator=(TransposedConvolutionForward&&) noexcept;

  std::size_t scratch_bytes() const;
  std::size_t packed_bytes() const;
  void pack(const float* weight, void* packed, void* scratch) const;
  void execute(const float* x, const void* weight, const float* bias, float* y, void* scratch) const;
  std::string implementation() const;

 private:
  std::unique_ptr<const BackwardDataMethod> method_;
};

// diff_x = the gradient by x: the mirrored convolution, forward. diff_y is by the sum before relu.
class TransposedConvolutionBackwardData {
 public:
  explicit TransposedConvolutionBackwardData(const TransposedConvolutionShape& shape,
                                             ConvolutionAlgorithm algorithm = ConvolutionAlgorithm::automatic);
  ~TransposedConvolutionBackwardData();
  TransposedConvolutionBackwardData(TransposedConvolutionBackwardData&&) noexcept;
  TransposedConvolutionBackwardData& operator=(TransposedConvolutionBackwardData&&) noexcept;

  std::size_t scratch_bytes() const;
  std::size_t packed_bytes() const;
  void pack(const float* weight, void* packed, void* scratch) const;
  void execute(const float* diff_y, const void* weight, float* diff_x, void* scratch) const;
  std::string implementation() const;

 private:
  std::unique_ptr<const ForwardMethod> method_;
};

// diff_weight += and diff_bias += (if shape.bias), as for the convolution.
class TransposedConvolutionBackwardWeights {
 public:
  explicit TransposedConvolutionBackwardWeights(const TransposedConvolutionShape& shape,
                                                ConvolutionAlgorithm algorithm = ConvolutionAlgorithm::automatic);
  ~TransposedConvolutionBackwardWeights();
  TransposedConvolutionBackwardWeights(TransposedConvolutionBackwardWeights&&) noexcept;
  TransposedConvolutionBackwardWeights& operator=(TransposedConvolutionBackwardWeights&&) noexcept;

  std::size_t scratch_bytes() const;
  void execute(const float* x, const float* diff_y, float* diff_weight, float* diff_bias, void* scratch) const;
  std::string implementation() const;

 private:
  std::unique_ptr<const BackwardWeightsMethod> method_;
  std::int64_t bias_rows_ = 0, bias_columns_ = 0;  // of y; 0 without a bias
};

}  // namespace loom::dnnl
