// The geometry of convolutions and transposed convolutions, channels last, with PyTorch's parameter layouts.
#pragma once

#include <cstdint>
#include <string>

namespace loom::dnnl {

// x is [n,h,w,c], y is [n,out_h(),out_w(),filters], weight is [filters,c/groups,kh,kw], bias is [filters].
// One-dimensional data has h = kh = 1. Volumes and videos have a depth d before h in all of them; images have d = kd = 1.
struct ConvolutionShape {
  std::int64_t n = 1, h = 1, w = 1, c = 1, filters = 1;
  std::int64_t kh = 1, kw = 1;
  std::int64_t stride_h = 1, stride_w = 1;
  std::int64_t pad_top = 0, pad_bottom = 0, pad_left = 0, pad_right = 0;
  std::int64_t dilation_h = 1, dilation_w = 1;  // 1: dense
  std::int64_t groups = 1;
  bool bias = false;
  bool relu = false;         // only the forward pass looks at it
  bool transformed = false;  // may be computed by Winograd's transforms, which round differently (convolution.h)
  bool bf16 = false;         // may round x, y's gradient and the weight to bf16; needs has_bf16()
  bool x_bf16 = false;       // x, or its gradient, is stored in bf16
  bool y_bf16 = false;       // y, or its gradient, is
  std::int64_t d = 1, kd = 1, stride_d = 1, pad_front = 0, pad_back = 0, dilation_d = 1;

  std::int64_t out_d() const { return (d + pad_front + pad_back - (kd - 1) * dilation_d - 1) / stride_d + 1; }
  std::int64_t out_h() const { return (h + pad_top + pad_bottom - (kh - 1) * dilation_h - 1) / stride_h + 1; }
  std::int64_t out_w() const { return (w + pad_left + pad_right - (kw - 1) * dilation_w - 1) / stride_w + 1; }
  bool is_volume() const { return d > 1 || kd > 1 || out_d() > 1; }
  std::int64_t x_count() const { return n * d * h * w * c; }
  std::int64_t y_count() const { return n * out_d() * out_h() * out_w() * filters; }
  std::int64_t weight_count() const { return filters * (c / groups) * kd * kh * kw; }
};

// x is [n,h,w,c], y is [n,out_h(),out_w(),filters], weight is [c,filters/groups,kh,kw], bias is [filters].
// Padding is cut off the result, as in PyTorch; output padding rows and columns see the bias and partial
// windows only.
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
  bool transformed = false, bf16 = false, x_bf16 = false, y_bf16 = false;
  std::int64_t d = 1, kd = 1, stride_d = 1, pad_front = 0, pad_back = 0, output_padding_d = 0, dilation_d = 1;

  std::int64_t out_d() const {
    return (d - 1) * stride_d - pad_front - pad_back + (kd - 1) * dilation_d + output_padding_d + 1;
  }
  std::int64_t out_h() const {
    return (h - 1) * stride_h - pad_top - pad_bottom + (kh - 1) * dilation_h + output_padding_h + 1;
  }
  std::int64_t out_w() const {
    return (w - 1) * stride_w - pad_left - pad_right + (kw - 1) * dilation_w + output_padding_w + 1;
  }
  std::int64_t x_count() const { return n * d * h * w * c; }
  std::int64_t y_count() const { return n * out_d() * out_h() * out_w() * filters; }
  std::int64_t weight_count() const { return c * (filters / groups) * kd * kh * kw; }
  // The convolution whose gradient this is: from this one's y to its x, with the same weight.
  ConvolutionShape mirrored() const;
};

// For error messages: "convolution[4x28x28x1], 32 filters 4x4".
std::string describe(const ConvolutionShape& shape);

}  // namespace loom::dnnl
