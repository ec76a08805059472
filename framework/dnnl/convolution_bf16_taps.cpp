// The gradient by the weight in bf16, one tap of the kernel after another: the pixels under a tap are gathered, and
//   dW[tap] [filters, c] += dy^T [filters, pixels] x_tap [pixels, c]
// in parts of so many pixels that both operands and the sum stay in the second-level cache. Where maps are small and
// weights are large, oneDNN's kernel is bound by moving the gradient, which is here written once.
#include <algorithm>
#include <cstring>
#include <optional>

#include "dnnl/bf16.h"
#include "dnnl/convolution_methods.h"
#include "dnnl/detail.h"
#include "dnnl/matmul.h"
#include "dnnl/vector_loops.h"
#include "dnnl/weight_layout.h"

namespace loom::dnnl {

using namespace detail;

namespace {

constexpr std::int64_t kPixelsOfPart = 512;

// The weight [filters,c,kh,kw] in the order [kh,kw,filters,c].
WeightLayout taps_first(const ConvolutionShape& s) {
  return WeightLayout(strided({s.filters, s.c, s.kh, s.kw}, {s.c, 1, s.kw * s.filters * s.c, s.filters * s.c}));
}

class TapsBackwardWeights final : public BackwardWeightsKernel {
 public:
  explicit TapsBackwardWeights(const ConvolutionShape& s)
      : shape_(s),
        rows_(s.n * s.out_h()),
        part_(std::clamp<std::int64_t>(kPixelsOfPart / s.out_w(), 1, rows_)),
        x_(s.x_count(), s.x_bf16),
        diff_y_(s.y_count(), s.y_bf16),
        layout_(taps_first(s)) {
    whole_.emplace(product(part_, true));
    first_.emplace(product(part_, false));
    if (rows_ % part_ != 0) rest_.emplace(product(rows_ % part_, true));
    diff_y_at_ = x_.bytes();
    pixels_at_ = diff_y_at_ + diff_y_.bytes();
    sum_at_ = pixels_at_ + bf16_bytes(part_ * s.out_w() * s.c);
    inner_at_ = sum_at_ + float_bytes(s.weight_count());
  }

  std::size_t scratch_bytes() const override {
    return inner_at_ + std::max({whole_->scratch_bytes(), first_->scratch_bytes(), rest_ ? rest_->scratch_bytes() : 0});
  }
  std::string implementation() const override { return "bf16 taps " + whole_->implementation(); }

  void execute(const void* x, const void* diff_y, float* diff_weight, float* diff_bias, void* scratch) const override {
    const ConvolutionShape& s = shape_;
    const auto* image = static_cast<const Bf16*>(x_.of(x, scratch));
    const auto* gradient = static_cast<const Bf16*>(diff_y_.of(diff_y, offset(scratch, diff_y_at_)));
    auto* pixels = static_cast<Bf16*>(offset(scratch, pixels_at_));
    auto* sum = static_cast<float*>(offset(scratch, sum_at_));
    for (std::int64_t tap = 0; tap < s.kh * s.kw; ++tap) {
      for (std::int64_t row = 0; row < rows_; row += part_) {
        const std::int64_t count = std::min(part_, rows_ - row);
        gather(image, tap / s.kw, tap % s.kw, row, count, pixels);
        const Matmul& matmul = count < part_ ? *rest_ : row == 0 ? *first_ : *whole_;
        matmul.execute(gradient + row * s.out_w() * s.filters, pixels, nullptr, sum + tap * s.filters * s.c,
                       offset(scratch, inner_at_));
      }
    }
    layout_.add_to_plain(sum, diff_weight);
    if (s.bias && diff_bias != nullptr)
      add_column_sums(diff_y, s.y_bf16, s.y_count() / s.filters, s.filters, diff_bias);
  }

 private:
  Matmul product(std::int64_t rows, bool accumulate) const {
    return Matmul({.m = shape_.filters,
                   .n = shape_.c,
                   .k = rows * shape_.out_w(),
                   .transpose_a = true,
                   .accumulate = accumulate,
                   .bf16 = true,
                   .a_bf16 = true,
                   .b_bf16 = true});
  }

  // The pixels of x under one tap, for output rows `first` to `first + count` of all samples; zeros outside of the image.
  void gather(const Bf16* image, std::int64_t ky, std::int64_t kx, std::int64_t first, std::int64_t count,
              Bf16* pixels) const {
    const ConvolutionShape& s = shape_;
    const auto bytes = [&](std::int64_t n) { return static_cast<std::size_t>(n * s.c) * sizeof(Bf16); };
    const std::int64_t left = kx * s.dilation_w - s.pad_left;
    for (std::int64_t row = first; row < first + count; ++row, pixels += s.out_w() * s.c) {
      const std::int64_t y = row % s.out_h() * s.stride_h + ky * s.dilation_h - s.pad_top;
      if (y < 0 || y >= s.h) {
        std::memset(pixels, 0, bytes(s.out_w()));
        continue;
      }
      const Bf16* source = image + (row / s.out_h() * s.h + y) * s.w * s.c;
      for (std::int64_t i = 0; i < s.out_w(); ++i) {
        const std::int64_t at = left + i * s.stride_w;
        if (at < 0 || at >= s.w)
          std::memset(pixels + i * s.c, 0, bytes(1));
        else
          std::memcpy(pixels + i * s.c, source + at * s.c, bytes(1));
      }
    }
  }

  ConvolutionShape shape_;
  std::int64_t rows_, part_;  // output rows of all samples, and of a part
  Operand x_, diff_y_;
  WeightLayout layout_;
  std::optional<Matmul> first_, whole_, rest_;
  std::size_t diff_y_at_ = 0, pixels_at_ = 0, sum_at_ = 0, inner_at_ = 0;
};

}  // namespace

std::unique_ptr<const BackwardWeightsKernel> make_taps_bf16_backward_weights(const ConvolutionShape& shape) {
  return std::make_unique<TapsBackwardWeights>(shape);
}

}  // namespace loom::dnnl
