// Where Winograd's transforms are faster than the other algorithms of convolution.h, or than causal_product.h.
//
// tests/bench/winograd_table.cpp measures it, on two kinds of processors: winograd_table_amx.inc is of an Intel Xeon with
// AMX, 2 MiB of second-level cache and two multiplications of 16 floats a cycle; winograd_table_no_amx.inc of an AMD Zen 4
// with 1 MiB and one such multiplication, which counts for every processor without AMX. The first one was measured with
// four samples, fewer than the shards of wide layers have, and without the bound on memory (takes_too_much): for maps of
// 4x4 and 8x8 the program would find other answers there today. The answer depends on the shape of one sample and on the
// instruction set, never on the samples of a shard: on processors of one instruction set a shape always gives the same
// bits.
#pragma once

#include <cstdint>
#include <string>

#include "dnnl/convolution_shape.h"

namespace loom::dnnl {

enum class ConvolutionPass { forward, by_input, by_weight };

// False for kernels and strides that are not in the table, and where the kernel is one of the causal ones but the padding is
// not. Groups and dilations must be 1, but that of a line, with its width and padding a multiple of it.
bool winograd_is_faster(const ConvolutionShape& shape, ConvolutionPass pass);
// Of this processor's table, eight hexadecimal digits: runs record it, since another table gives other bits.
std::string winograd_table_digest();

namespace detail {

// On either kind of processor.
bool winograd_is_faster(const ConvolutionShape& shape, ConvolutionPass pass, bool has_amx);

// The measured grid. A shape between its points takes the nearest one, in the logarithm.
struct WinogradGeometry {
  std::int64_t kh, kw, stride_h, stride_w, pad_top, pad_left;
  std::int64_t pad_bottom() const { return kh - stride_h - pad_top; }
  std::int64_t pad_right() const { return kw - stride_w - pad_left; }
  // The kernel's last row is at the output's: the vertical stack of a gated PixelCNN, measured against CausalProduct. (The
  // convolution of a WaveNet block stays a product: with its gate and 1x1 convolutions around it, F(4, 2) gained nothing.)
  bool causal() const { return stride_h == 1 && pad_top == kh - 1; }
  bool is_line() const { return kw == 1; }  // winograd_line.h
};
inline constexpr WinogradGeometry kMeasured[] = {{3, 3, 1, 1, 1, 1}, {4, 4, 2, 2, 1, 1}, {5, 5, 2, 2, 2, 2},
                                                 {2, 3, 1, 1, 1, 1}, {3, 5, 1, 1, 2, 2}, {3, 4, 1, 2, 1, 1},
                                                 {3, 1, 1, 1, 1, 0}, {5, 1, 1, 1, 2, 0}, {4, 1, 2, 1, 1, 0}};
// Of y in both directions; a line has as many positions as an image of that extent.
inline constexpr std::int64_t kMeasuredExtents[] = {4, 8, 16, 32};
inline constexpr std::int64_t kMeasuredChannels[] = {8, 16, 32, 64, 128, 256, 512};  // of x and of y

}  // namespace detail

}  // namespace loom::dnnl
