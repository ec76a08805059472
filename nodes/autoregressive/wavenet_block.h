// A layer of WaveNet: a dilated causal convolution, gated, with a residual and a skip connection.
//   s[t] = sum over k of W[k] x[t - (K - 1 - k) dilation] + b [+ V condition[t Q/S] + U global]
//   g = tanh(s_1) sigmoid(s_2), the halves of 2 C channels
//   y = x + W_r g + b_r,   skip = W_s g + b_s [+ skip_sum]
//   x [N, S, C]; condition [N, Q, M], Q a divisor of S: each of its positions holds for S/Q positions of x
// A 1x1 convolution commutes with repeating positions, so the condition's is computed at its own rate. The skips of a
// stack of blocks can be accumulated along the stack, from skip to the next block's skip_sum.
// van den Oord et al. 2016, WaveNet: A Generative Model for Raw Audio, sections 2.3 to 2.5.
//
// A chunk of positions passes through the whole block while it is in the cache.
#pragma once

#include <memory>

#include "autoregressive/causal.h"

namespace loom::nodes {

class WavenetBlock final : public Node {
 public:
  static void declare(Contract& c);
  static void infer(ShapeInference& s);
  explicit WavenetBlock(const Options& options);

  void prepare(const Prepare& p) override;
  void pack(const Pack& p) const override;
  void forward(const Forward& f) const override;
  void backward(const Backward& b) const override;  // wavenet_gradient.cpp
  void advance(const Advance& a) const override;
  Filled filled(std::span<const Filled> inputs, int output) const override;
  double forward_flop(const Prepare& p) const override;
  std::string implementation(bool) const override { return product_->implementation(); }

 private:
  void make_products(const Prepare& p);
  void make_gradients();
  void take_memory(const Prepare& p);
  bool conditioned() const { return condition_rows_ > 0 || globals_ > 0; }
  // Positions of x that share what is added to their sums.
  std::int64_t hold() const { return condition_rows_ > 0 ? length_ / condition_rows_ : length_; }
  std::int64_t offset_rows() const { return condition_rows_ > 0 ? condition_rows_ : 1; }  // of a sample

  void compute_offsets(const Call& call, std::int64_t n, float* offsets) const;
  // Runs body(first, last, offset) over the parts of [first, last) that share an offset; null without one.
  template <class Float, class Body>
  void for_each_offset(std::int64_t first, std::int64_t last, Float* offsets, const Body& body) const {
    if (!conditioned()) return body(first, last, offsets);
    for (std::int64_t begin = first; begin < last;) {
      const std::int64_t row = begin / hold(), end = std::min(last, (row + 1) * hold());
      body(begin, end, offsets + row * 2 * channels_);
      begin = end;
    }
  }
  // Both 1x1 convolutions of `rows` gates, the first onto x.
  void finish(const Call& call, const float* gates, const float* x, const float* skip_sum, float* y, float* skips,
              std::int64_t rows) const;
  void finish_position(const Advance& a, std::int64_t position, const float* gates) const;
  void advance_offsets(const Advance& a, std::int64_t position, float* offsets) const;

  void backward_chunk(const Backward& b, std::int64_t n, std::int64_t first, std::int64_t last,
                      float* diff_offsets) const;
  void backward_gate(const Backward& b, std::int64_t at, std::int64_t rows, const float* parts, float* diff_sums) const;
  void backward_offsets(const Backward& b, std::int64_t n, float* diff_offsets) const;

  std::int64_t kernel_, dilation_, skips_;
  std::int64_t samples_ = 0, length_ = 0, channels_ = 0;
  std::int64_t condition_rows_ = 0, conditions_ = 0, globals_ = 0;  // Q, M, G; 0: not connected
  bool keeps_ = false, bf16_ = false;
  std::unique_ptr<const CausalProduct> product_;
  dnnl::ChunkedMatmul residual_, skip_, residual_data_, residual_weights_, skip_data_, skip_weights_;
  // Of one sample; while a map is drawn: of one position.
  std::unique_ptr<const dnnl::Matmul> condition_, condition_data_, condition_weights_;
  std::unique_ptr<const dnnl::Matmul> global_, global_data_, global_weights_;

  std::unique_ptr<const dnnl::Matmul> outs_;  // both 1x1 convolutions as one, while a map is drawn

  PackedSlot<std::byte> packed_;               // of the product
  PackedSlot<float> outs_weight_, outs_bias_;  // [C, C + skip], [C + skip]
  Slot<std::byte> work_;                       // of one product at a time
  Slot<float> gates_, rows_;                   // of a chunk: [rows, C] and [rows, 2 C]
  Slot<float> parts_;                          // of the gates, for backward: [N, S, 2 C]
  // What the condition and the global add: of a sample; while a map is drawn, of all samples, kept: [N, 2 C].
  Slot<float> offsets_, globals_kept_;
  Slot<float> diff_offsets_, weights_;  // of a sample, and their total; of the convolution, as the product sums it
};

}  // namespace loom::nodes
