// Private to framework/dnnl: a convolution in the words of oneDNN, channels last.
#pragma once

#include "dnnl/convolution_shape.h"
#include "dnnl/detail.h"

namespace loom::dnnl::detail {

inline int spatial_axes(const ConvolutionShape& s) { return s.is_volume() ? 3 : 2; }

// The values of the axes of a shape: without the depth for an image.
inline Dims by_axis(const ConvolutionShape& s, std::int64_t d, std::int64_t h, std::int64_t w) {
  return s.is_volume() ? Dims{d, h, w} : Dims{h, w};
}

inline Dims weight_dims(const ConvolutionShape& s) {
  Dims dims = s.groups == 1 ? Dims{s.filters, s.c} : Dims{s.groups, s.filters / s.groups, s.c / s.groups};
  const Dims kernel = by_axis(s, s.kd, s.kh, s.kw);
  dims.insert(dims.end(), kernel.begin(), kernel.end());
  return dims;
}

inline Spatial spatial(const ConvolutionShape& s) {
  return {by_axis(s, s.stride_d, s.stride_h, s.stride_w),
          by_axis(s, s.dilation_d - 1, s.dilation_h - 1, s.dilation_w - 1),
          by_axis(s, s.pad_front, s.pad_top, s.pad_left), by_axis(s, s.pad_back, s.pad_bottom, s.pad_right)};
}

inline Desc input(const ConvolutionShape& s, std::int64_t n, Type type = Type::f32) {
  return channels_last(n, s.c, by_axis(s, s.d, s.h, s.w), type);
}
inline Desc output(const ConvolutionShape& s, std::int64_t n, Type type = Type::f32) {
  return channels_last(n, s.filters, by_axis(s, s.out_d(), s.out_h(), s.out_w()), type);
}

}  // namespace loom::dnnl::detail
