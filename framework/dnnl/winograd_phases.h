// Private to framework/dnnl: a strided convolution as convolutions with stride 1.
//
// With x_p[i] = x[s i + p], the s phases of x along an axis, and tap k = s t + p + padding,
//   y[i] = sum over p and t of x_p[i + t] w[s t + p + padding]
// so that along each axis the phases are s inputs of a convolution with stride 1 (Huang et al. 2020, arXiv 2002.00552). The
// gradient by x has one such convolution for each phase of x, whose input is dy.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "dnnl/convolution_shape.h"

namespace loom::dnnl::detail {

constexpr int kMostTaps = 5;  // of F(2, 5)

// One phase of one axis: tile t covers outputs  out_first + out_step (m t + i), i < m,  and reads inputs
// in_first + in_step (m t + i), i < m + r - 1.  taps[b]: the tap of the kernel that is the b-th of the short convolution; -1:
// it has fewer.
struct AxisPhase {
  std::int64_t in_first = 0, in_step = 1, out_first = 0, out_step = 1, outputs = 0;
  std::array<std::int64_t, kMostTaps> taps{-1, -1, -1, -1, -1};
};

struct Axis {
  std::int64_t in, out, kernel, stride, pad;  // of the convolution
};

// The phases of x as inputs for y; those without taps are left out.
std::vector<AxisPhase> forward_phases(const Axis& axis, int r);
// The phases of dx as outputs from dy.
std::vector<AxisPhase> gradient_phases(const Axis& axis, int r);

Axis rows_of(const ConvolutionShape& shape);
Axis columns_of(const ConvolutionShape& shape);

}  // namespace loom::dnnl::detail
