// Private to framework/dnnl: a strided convolution as one with stride 1, whose pixels are squares of pixels.
//
// With x'[m, p] = x[s m + p - padding] and w'[t, p] = w[s t + p], along each axis,
//   y[i] = sum over k of x[s i + k - padding] w[k] = sum over t and p of x'[i + t, p] w'[t, p]
// so that [h, w, c] becomes [h', w', s s c] without padding, and a kernel of k x k one of ceil(k / s) x ceil(k / s), with zeros
// where w has no tap. oneDNN's gradients of 16-bit inputs are up to three times as fast without a stride (2.6 on AMX), and a
// fold is made together with the rounding that is due anyway.
//
// Immutable, thread safe. With strides of 1 nothing is folded: x' is x, and w' is w.
#pragma once

#include "dnnl/bf16.h"
#include "dnnl/convolution_shape.h"

namespace loom::dnnl::detail {

class Folding {
 public:
  explicit Folding(const ConvolutionShape& shape);  // groups and dilations other than 1 only with strides of 1

  bool is_none() const { return none_; }
  const ConvolutionShape& inner() const { return inner_; }  // the convolution of x' and w'

  // x' of the samples [first, first + count) of x, rounded.
  void fold(const float* x, std::int64_t first, std::int64_t count, Bf16* to) const;
  // Each pixel of x, of `count` samples, from its place in x'; 0 where it has none.
  void unfold(const float* from, std::int64_t count, float* x) const;
  void fold_weight(const float* weight, float* to) const;            // w' [filters, s s c, t, t]
  void add_unfolded_weight(const float* from, float* weight) const;  // weight += what lies in w'

 private:
  template <class Body>
  void for_each_tap(const Body& body) const;

  ConvolutionShape shape_, inner_;
  bool none_;
};

}  // namespace loom::dnnl::detail
