// A layer of the gated PixelCNN: two stacks of convolutions that together see every earlier pixel in raster order, with
// no blind spot.
//   s_v  = W_v * vertical                            over the rows r - k/2 to r, columns c - k/2 to c + k/2
//   vertical' = gate(s_v [+ V_v condition + U_v class])
//   s_h  = W_h * horizontal + W_vh s_v[row above]    over the columns c - k/2 to c, of the first block to c - 1
//   horizontal' = W_o gate(s_h [+ V_h condition + U_h class]) [+ horizontal, except in the first block]
//   gate(a, b) = tanh(a) sigmoid(b), a and b the halves of 2 C channels
// vertical' at a row sees that row and the rows above. horizontal' at a pixel sees the rows above and the pixels to the
// left, and itself except in the first block (mask A). Convolutions have a bias; the conditioning terms have none.
// van den Oord et al. 2016, Conditional Image Generation with PixelCNN Decoders, figure 2 and equations 4 and 5.
//
// Both convolutions of the horizontal stack, and its condition, are one product (dnnl/causal_product.h), made chunk by
// chunk with the gate and the 1x1 convolution after it. The vertical convolution may be transformed in training
// (vertical_stack.h says what this means for causality); it then is computed for all samples at once.
#pragma once

#include <memory>

#include "autoregressive/causal.h"
#include "autoregressive/vertical_stack.h"

namespace loom::nodes {

class GatedPixelcnnBlock final : public Node {
 public:
  static void declare(Contract& c);
  static void infer(ShapeInference& s);
  explicit GatedPixelcnnBlock(const Options& options);

  void prepare(const Prepare& p) override;
  void pack(const Pack& p) const override;
  void forward(const Forward& f) const override;
  void backward(const Backward& b) const override;  // gated_pixelcnn_gradient.cpp
  Filled filled(std::span<const Filled> inputs, int output) const override;
  void advance(const Advance& a) const override;
  double forward_flop(const Prepare& p) const override;
  std::string implementation(bool backward) const override { return vertical_.implementation(backward); }

 private:
  enum Stack { kVertical, kHorizontal };

  std::int64_t positions() const { return height_ * width_; }
  std::int64_t sums_count() const { return positions() * 2 * channels_; }  // of one sample
  void make_products(const Prepare& p);
  void make_gradients();
  void take_memory(const Prepare& p);

  // The vertical sums of sample n.
  float* sums(const Call& call, std::int64_t n) const { return sums_(call).data() + (keeps_ ? n * sums_count() : 0); }
  void compute_offsets(const Call& call) const;
  // What the class adds to the sums of sample n: 2 C floats, or null.
  const float* offset(const Call& call, Stack stack, std::int64_t n) const {
    return classes_ == 0 ? nullptr : offsets_(call).data() + (stack * samples_ + n) * 2 * channels_;
  }
  // The vertical sums with what the condition adds to them: themselves, or in scratch.
  const float* conditioned(const Call& call, const float* sums, const float* condition, std::int64_t rows) const;

  void forward_vertical(const Forward& f, std::int64_t n) const;
  void forward_horizontal(const Forward& f, std::int64_t n) const;
  void advance_vertical(const Advance& a, Advance::Range range) const;
  void advance_horizontal(const Advance& a, std::int64_t position) const;

  void backward_horizontal(const Backward& b, std::int64_t n, float* diff_sums) const;
  void backward_out(const Backward& b, const float* diff, const float* parts, std::int64_t rows,
                    float* diff_sums) const;
  void backward_vertical(const Backward& b, std::int64_t n, float* diff_sums) const;
  void backward_transformed(const Backward& b) const;  // of all samples
  void backward_condition(const Backward& b, std::int64_t n, std::int64_t first, std::int64_t rows,
                          const float* diff_sums) const;
  void add_weight_gradients(const Backward& b) const;
  void backward_class(const Backward& b) const;

  std::int64_t channels_, kernel_;
  bool first_;
  std::int64_t samples_ = 0, height_ = 0, width_ = 0, classes_ = 0, conditions_ = 0;
  VerticalStack vertical_;
  std::unique_ptr<const CausalProduct> horizontal_;
  dnnl::ChunkedMatmul out_, out_data_, out_weights_;  // of the horizontal stack's chunks
  // Of the vertical stack's; the horizontal condition is a part of the horizontal product.
  dnnl::ChunkedMatmul condition_, condition_data_, condition_weights_;
  std::unique_ptr<const dnnl::Matmul> class_, class_data_, class_weights_;

  PackedSlot<std::byte> horizontal_packed_;
  PackedSlot<float> bias_;  // of the horizontal product
  // The vertical sums and what the class adds, [stack, N, 2 C]: saved for the gradient or for later positions, scratch
  // where there are neither.
  bool keeps_ = false, bf16_ = false;
  Slot<float> sums_, offsets_;
  Slot<float> parts_;                                  // of the horizontal gate, for the gradient
  Slot<std::byte> work_;                               // of one product at a time
  Slot<float> gates_, rows_;                           // of a chunk: [rows, C] and [rows, 2 C]
  Slot<float> diff_sums_;                              // of the vertical sums: of one sample, or of all
  Slot<float> diff_offsets_;                           // [stack, N, 2 C]
  Slot<float> totals_;                                 // [2 C]
  Slot<float> vertical_weights_, horizontal_weights_;  // as the products sum their gradients
};

}  // namespace loom::nodes
