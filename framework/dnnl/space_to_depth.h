// Private to framework/dnnl: a strided convolution as one without a stride, on an image whose pixels are blocks of the
// stride's size.
//
// With stride (sh, sw), block (u, v) of x has sh sw c channels: x'[u, v, (a sw + b) c + k] = x[u sh + a - top, v sw + b - left, k],
// and 0 outside of x. The kernel becomes ceil(kh / sh) x ceil(kw / sw), with zeros where it was shorter: a 4x4 kernel of
// stride 2 is a 2x2 one on four times the channels, with the same multiplications.
//
// Thread safety: immutable.
#pragma once

#include <cstdint>
#include <vector>

#include "dnnl/convolution_shape.h"

namespace loom::dnnl {

// Whether a shape has this form: no dilation, no groups. With a stride of 1 it is the convolution of the padded image.
bool has_blocks(const ConvolutionShape& shape);

class SpaceToDepth {
 public:
  explicit SpaceToDepth(const ConvolutionShape& shape);

  const ConvolutionShape& inner() const { return inner_; }  // of all samples; x and y are stored as those of the shape

  // x' of `samples` samples, in bf16; x is bf16 or f32, as the shape says.
  void blocks_of(const void* x, std::int64_t samples, void* blocks) const;
  // x of `samples` samples from x', which is stored as x is. What no block covers is 0.
  void from_blocks(const void* blocks, std::int64_t samples, void* x) const;
  // The inner kernel in PyTorch's layout, from the outer one; and what is added to the outer one from it.
  void inner_weight(const float* weight, float* inner) const;
  void add_outer_weight(const float* inner, float* weight) const;

 private:
  template <class Body>
  void for_each_run(const Body& body) const;
  template <class Body>
  void for_each_kernel(const Body& body) const;

  // Values of a block's row in x and in x': those that x has, and where the row of the block begins.
  struct Run {
    std::int64_t outer, block, inner, count;
  };

  ConvolutionShape outer_, inner_;
  std::vector<std::int64_t>
      taps_;  // of the outer kernel: where each one is in the inner weight of a filter and channel
};

}  // namespace loom::dnnl
