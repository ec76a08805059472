// Private to framework/dnnl: a convolution in the words of oneDNN, channels last.
#pragma once

#include "dnnl/convolution_shape.h"
#include "dnnl/detail.h"

namespace loom::dnnl::detail {

inline Dims weight_dims(const ConvolutionShape& s) {
  return s.groups == 1 ? Dims{s.filters, s.c, s.kh, s.kw}
                       : Dims{s.groups, s.filters / s.groups, s.c / s.groups, s.kh, s.kw};
}

inline Spatial spatial(const ConvolutionShape& s) {
  return {{s.stride_h, s.stride_w},
          {s.dilation_h - 1, s.dilation_w - 1},
          {s.pad_top, s.pad_left},
          {s.pad_bottom, s.pad_right}};
}

inline Desc input(const ConvolutionShape& s, std::int64_t n, Type type = Type::f32) {
  return channels_last(n, s.c, s.h, s.w, type);
}
inline Desc output(const ConvolutionShape& s, std::int64_t n, Type type = Type::f32) {
  return channels_last(n, s.filters, s.out_h(), s.out_w(), type);
}

}  // namespace loom::dnnl::detail
