// Strided convolutions in bf16 as ones without a stride (space_to_depth.h): oneDNN's kernels of the gradients are two to six
// times as fast without one, and images of three channels become those of twelve.
#include <algorithm>

#include "dnnl/bf16.h"
#include "dnnl/convolution_methods.h"
#include "dnnl/space_to_depth.h"

namespace loom::dnnl {

using namespace detail;

namespace {

// So many samples at a time that their blocks stay in the second-level cache, and that divide the samples of a call.
std::int64_t samples_of_a_piece(const ConvolutionShape& inner, std::int64_t most_bytes) {
  const std::int64_t one = 2 * (inner.x_count() + inner.y_count()) / inner.n;
  std::int64_t count = std::clamp<std::int64_t>(most_bytes / one, 1, inner.n);
  while (inner.n % count != 0) --count;
  return count;
}
constexpr std::int64_t kPieceBytes = 768 * 1024;

ConvolutionShape piece_of(ConvolutionShape inner, std::int64_t samples, bool x_bf16) {
  inner.n = samples;
  inner.x_bf16 = x_bf16;
  return inner;
}

// The weight of the inner convolution, packed as its kernel takes it.
void pack_inner(const SpaceToDepth& form, const PackingKernel& kernel, const float* weight, void* packed,
                void* scratch) {
  auto* inner = static_cast<float*>(scratch);
  form.inner_weight(weight, inner);
  kernel.pack(inner, packed, offset(scratch, float_bytes(form.inner().weight_count())));
}

class StridedForward final : public ForwardKernel {
 public:
  explicit StridedForward(const ConvolutionShape& s)
      : shape_(s),
        form_(s),
        samples_(samples_of_a_piece(form_.inner(), kPieceBytes)),
        piece_(piece_of(form_.inner(), samples_, true)),
        kernel_(make_bf16_forward(piece_)) {}

  std::size_t scratch_bytes() const override { return bf16_bytes(piece_.x_count()) + kernel_->scratch_bytes(); }
  std::size_t packed_bytes() const override { return kernel_->packed_bytes(); }
  std::size_t pack_scratch_bytes() const override {
    return float_bytes(piece_.weight_count()) + kernel_->pack_scratch_bytes();
  }
  std::string implementation() const override { return kernel_->implementation() + " of blocks"; }
  void pack(const float* weight, void* packed, void* scratch) const override {
    pack_inner(form_, *kernel_, weight, packed, scratch);
  }
  void execute(const void* x, const void* weight, const float* bias, void* y, void* scratch) const override {
    const std::int64_t one_x = shape_.x_count() / shape_.n, one_y = shape_.y_count() / shape_.n;
    void* inner = offset(scratch, bf16_bytes(piece_.x_count()));
    for (std::int64_t n = 0; n < shape_.n; n += samples_) {
      form_.blocks_of(at_value(x, n * one_x, shape_.x_bf16), samples_, scratch);
      kernel_->execute(scratch, weight, bias, at_value(y, n * one_y, shape_.y_bf16), inner);
    }
  }

 private:
  ConvolutionShape shape_;
  SpaceToDepth form_;
  std::int64_t samples_;
  ConvolutionShape piece_;
  std::unique_ptr<const ForwardKernel> kernel_;
};

class StridedBackwardData final : public ForwardKernel {
 public:
  StridedBackwardData(const ConvolutionShape& s, bool relu)
      : shape_(s),
        relu_(relu),
        form_(s),
        samples_(samples_of_a_piece(form_.inner(), kPieceBytes)),
        piece_(piece_of(form_.inner(), samples_, s.x_bf16)) {
    piece_.bias = false;
    kernel_ = make_bf16_backward_data(piece_, false);
  }

  std::size_t scratch_bytes() const override { return blocks_bytes() + kernel_->scratch_bytes(); }
  std::size_t packed_bytes() const override { return kernel_->packed_bytes(); }
  std::size_t pack_scratch_bytes() const override {
    return float_bytes(piece_.weight_count()) + kernel_->pack_scratch_bytes();
  }
  std::string implementation() const override { return kernel_->implementation() + " of blocks"; }
  void pack(const float* weight, void* packed, void* scratch) const override {
    pack_inner(form_, *kernel_, weight, packed, scratch);
  }
  void execute(const void* diff_y, const void* weight, const float* bias, void* diff_x, void* scratch) const override {
    const std::int64_t one_y = shape_.y_count() / shape_.n, pixels = shape_.h * shape_.w;
    void* inner = offset(scratch, blocks_bytes());
    for (std::int64_t n = 0; n < shape_.n; n += samples_) {
      kernel_->execute(at_value(diff_y, n * one_y, shape_.y_bf16), weight, nullptr, scratch, inner);
      void* result = at_value(diff_x, n * pixels * shape_.c, shape_.x_bf16);
      form_.from_blocks(scratch, samples_, result);
      apply_bias(result, shape_.x_bf16, shape_.bias ? bias : nullptr, samples_ * pixels, shape_.c, relu_);
    }
  }

 private:
  std::size_t blocks_bytes() const {
    return shape_.x_bf16 ? bf16_bytes(piece_.x_count()) : float_bytes(piece_.x_count());
  }

  ConvolutionShape shape_;
  bool relu_;
  SpaceToDepth form_;
  std::int64_t samples_;
  ConvolutionShape piece_;
  std::unique_ptr<const ForwardKernel> kernel_;
};

class StridedBackwardWeights final : public BackwardWeightsKernel {
 public:
  explicit StridedBackwardWeights(const ConvolutionShape& s)
      : shape_(s),
        form_(s),
        // Adding a gradient is to be little beside computing it.
        samples_(samples_of_a_piece(form_.inner(), std::max(kPieceBytes, 16 * form_.inner().weight_count()))),
        piece_(piece_of(form_.inner(), samples_, true)),
        kernel_(make_bf16_backward_weights(piece_)) {}

  std::size_t scratch_bytes() const override {
    return bf16_bytes(piece_.x_count()) + float_bytes(piece_.weight_count()) + kernel_->scratch_bytes();
  }
  std::string implementation() const override { return kernel_->implementation() + " of blocks"; }
  void execute(const void* x, const void* diff_y, float* diff_weight, float* diff_bias, void* scratch) const override {
    const std::int64_t one_x = shape_.x_count() / shape_.n, one_y = shape_.y_count() / shape_.n;
    auto* sum = static_cast<float*>(offset(scratch, bf16_bytes(piece_.x_count())));
    void* inner = offset(sum, float_bytes(piece_.weight_count()));
    std::fill_n(sum, piece_.weight_count(), 0.0F);
    for (std::int64_t n = 0; n < shape_.n; n += samples_) {
      form_.blocks_of(at_value(x, n * one_x, shape_.x_bf16), samples_, scratch);
      kernel_->execute(scratch, at_value(diff_y, n * one_y, shape_.y_bf16), sum, diff_bias, inner);
    }
    form_.add_outer_weight(sum, diff_weight);
  }

 private:
  ConvolutionShape shape_;
  SpaceToDepth form_;
  std::int64_t samples_;
  ConvolutionShape piece_;
  std::unique_ptr<const BackwardWeightsKernel> kernel_;
};

}  // namespace

std::unique_ptr<const ForwardKernel> make_strided_bf16_forward(const ConvolutionShape& shape) {
  return std::make_unique<StridedForward>(shape);
}

std::unique_ptr<const ForwardKernel> make_strided_bf16_backward_data(const ConvolutionShape& shape, bool relu) {
  return std::make_unique<StridedBackwardData>(shape, relu);
}

std::unique_ptr<const BackwardWeightsKernel> make_strided_bf16_backward_weights(const ConvolutionShape& shape) {
  return std::make_unique<StridedBackwardWeights>(shape);
}

}  // namespace loom::dnnl
