// The convolution of a gated PixelCNN block's vertical stack: over the kernel / 2 + 1 rows that end at this row and
// `kernel` columns around this column, channels to 2 channels. It is 3/4 of the block's arithmetic.
//
// It is a causal product (dnnl/causal_product.h), made chunk by chunk, so that an output never depends on a pixel that it
// may not see. In training each of its three passes may instead be a Winograd convolution of all samples of the shard,
// where a measured table says that this is faster (dnnl/winograd_choice.h). Its tiles mix neighbours: the pixels that an
// output may not see cancel only up to rounding, and one that is not finite makes the whole tile so. Training bears both,
// as any other rounding; likelihoods and sampling do not, and no program without a backward step is transformed.
#pragma once

#include <memory>
#include <string>

#include "autoregressive/causal.h"
#include "dnnl/convolution.h"
#include "nn/packed_weight.h"

namespace loom::nodes {

class VerticalStack {
 public:
  // Takes its packed memory; its scratch is the caller's, also that of pack().
  void prepare(const Prepare& p, const Shape& x, std::int64_t kernel);
  void pack(const Pack& p, const float* weight, void* scratch) const;
  std::size_t scratch_bytes() const { return scratch_bytes_; }
  std::string implementation(bool backward) const;

  // The shape, its chunks, and the passes that are not transformed.
  const CausalProduct& product() const { return *product_; }
  const void* product_weight(const Call& call) const { return product_packed_(call).data(); }

  bool transforms_forward() const { return forward_ != nullptr; }
  bool transforms_data() const { return data_ != nullptr; }
  bool transforms_weights() const { return weights_ != nullptr; }
  // Of all samples, where the pass is transformed. `x` and `diff_x` are [N, H, W, channels]; the others have 2 channels.
  void forward(const Call& call, const float* x, const float* bias, float* y, void* scratch) const;
  void backward_data(const Call& call, const float* diff_y, float* diff_x, void* scratch) const;  // overwrites
  // Adds to diff_weight, or overwrites it where it `is_first`.
  void backward_weights(const float* x, const float* diff_y, const TensorView& diff_weight, bool is_first,
                        void* scratch) const;

 private:
  void make_product(const Prepare& p, const Shape& x, std::int64_t kernel);
  void make_convolutions(const Shape& x, std::int64_t kernel, bool bf16);

  std::unique_ptr<const CausalProduct> product_;
  PackedSlot<std::byte> product_packed_;
  // Null: not transformed.
  std::unique_ptr<const dnnl::ForwardKernel> forward_;
  std::unique_ptr<const dnnl::BackwardDataKernel> data_;
  std::unique_ptr<const dnnl::BackwardWeightsKernel> weights_;
  PackedWeight<dnnl::ForwardKernel> forward_weight_;
  PackedWeight<dnnl::BackwardDataKernel> data_weight_;
  std::size_t scratch_bytes_ = 0;
};

}  // namespace loom::nodes
