// Which form of a pass of a convolution is the fastest where it may round its operands to bf16.
//
// Measured by tests/bench/bf16_forms.cpp on two kinds of processors: with AMX, where oneDNN's kernels of the gradients are two
// to six times as fast without a stride, and few channels are faster in f32; and without (AVX512_BF16 of Zen 4), where strides
// cost nothing, and few channels are up to twice as fast in bf16. The answer depends on the shape of one sample and on the
// instruction set alone.
#pragma once

#include "dnnl/convolution_shape.h"
#include "dnnl/winograd_choice.h"

namespace loom::dnnl {

// Whether a bf16 kernel is faster than the f32 ones: not for the fewest channels.
bool is_faster_in_bf16(const ConvolutionShape& shape, ConvolutionPass pass);

enum class Bf16Form {
  plain,   // oneDNN's kernel as it is
  blocks,  // on blocks of the stride's size (space_to_depth.h)
  taps     // one tap after another (convolution_bf16_taps.cpp); the gradient by the weight alone
};

Bf16Form fastest_bf16_form(const ConvolutionShape& shape, ConvolutionPass pass);

namespace detail {
// On either kind of processor.
bool is_faster_in_bf16(const ConvolutionShape& shape, ConvolutionPass pass, bool has_amx);
Bf16Form fastest_bf16_form(const ConvolutionShape& shape, ConvolutionPass pass, bool has_amx);
}  // namespace detail

}  // namespace loom::dnnl
