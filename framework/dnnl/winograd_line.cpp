#include "dnnl/winograd_line.h"

#include <utility>

namespace loom::dnnl::detail {

ConvolutionShape turned_line(const ConvolutionShape& shape) {
  const std::int64_t d = shape.dilation_w;
  const bool is_line = shape.kh == 1 && shape.kw > 1 && shape.stride_h == 1 && shape.pad_top == 0 &&
                       shape.pad_bottom == 0 && !shape.is_volume();
  const bool takes_turns =
      d == 1 || (shape.stride_w == 1 && shape.w % d == 0 && shape.pad_left % d == 0 && shape.pad_right % d == 0);
  if (!is_line || !takes_turns) return shape;
  ConvolutionShape s = shape;
  s.n = shape.n * shape.h, s.h = shape.w / d, s.w = d;
  s.kh = shape.kw, s.kw = 1;
  s.stride_h = shape.stride_w, s.stride_w = 1;
  s.pad_top = shape.pad_left / d, s.pad_bottom = shape.pad_right / d, s.pad_left = s.pad_right = 0;
  s.dilation_h = s.dilation_w = 1;
  return s;
}

}  // namespace loom::dnnl::detail
