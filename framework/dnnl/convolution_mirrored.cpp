// Convolutions of stride 1 with few filters, computed as transposed convolutions.
//
// Such a convolution is also the transposed convolution, with the kernel reversed, that maps x to y. The
// direct kernels compute 16 filters at a time, so one or three filters waste most of their work. Here
// the filters take the role of the few channels, for which the columns algorithm is fast.
#include <algorithm>

#include "dnnl/convolution_methods.h"
#include "dnnl/detail.h"
#include "dnnl/vector_loops.h"

namespace loom::dnnl {

using namespace detail;

namespace {

ConvolutionShape seen_from_y(const ConvolutionShape& s) {
  ConvolutionShape m = s;
  m.h = s.out_h(), m.w = s.out_w(), m.c = s.filters, m.filters = s.c;
  const std::int64_t reach_h = (s.kh - 1) * s.dilation_h, reach_w = (s.kw - 1) * s.dilation_w;
  m.pad_top = reach_h - s.pad_top, m.pad_bottom = reach_h - s.pad_bottom;
  m.pad_left = reach_w - s.pad_left, m.pad_right = reach_w - s.pad_right;
  return m;
}

// Calls body(index in the weight of s, index in the weight of its mirror image) for every element.
template <class Body>
void for_each_weight(const ConvolutionShape& s, const Body& body) {
  const std::int64_t taps = s.kh * s.kw;
  for (std::int64_t f = 0; f < s.filters; ++f) {
    for (std::int64_t c = 0; c < s.c; ++c) {
      for (std::int64_t t = 0; t < taps; ++t) {
        body((f * s.c + c) * taps + t, (c * s.filters + f) * taps + taps - 1 - t);
      }
    }
  }
}

class MirroredForward final : public ForwardKernel {
 public:
  explicit MirroredForward(const ConvolutionShape& s)
      : shape_(s), inner_(make_columns_backward_data(seen_from_y(s), s.relu)) {}

  std::size_t scratch_bytes() const override { return inner_->scratch_bytes(); }
  std::size_t pack_scratch_bytes() const override {
    return inner_->packed_bytes() == 0 ? 0 : float_bytes(shape_.weight_count()) + inner_->pack_scratch_bytes();
  }
  std::size_t packed_bytes() const override {
    return std::max(inner_->packed_bytes(), static_cast<std::size_t>(shape_.weight_count()) * sizeof(float));
  }
  void pack(const float* weight, void* packed, void* scratch) const override {
    const bool twice = inner_->packed_bytes() != 0;
    float* turned = static_cast<float*>(twice ? scratch : packed);
    for_each_weight(shape_, [&](std::int64_t i, std::int64_t j) { turned[j] = weight[i]; });
    if (twice) inner_->pack(turned, packed, offset(scratch, float_bytes(shape_.weight_count())));
  }
  void execute(const void* x, const void* weight, const float* bias, void* y, void* scratch) const override {
    inner_->execute(x, weight, bias, y, scratch);
  }
  std::string implementation() const override { return "mirrored " + inner_->implementation(); }

 private:
  ConvolutionShape shape_;
  std::unique_ptr<const ForwardKernel> inner_;
};

class MirroredBackwardWeights final : public BackwardWeightsKernel {
 public:
  explicit MirroredBackwardWeights(const ConvolutionShape& s) : shape_(s) {
    auto mirrored = seen_from_y(s);
    mirrored.bias = false;  // it would be added to x
    inner_ = make_columns_backward_weights(mirrored);
  }
  std::size_t scratch_bytes() const override { return float_bytes(shape_.weight_count()) + inner_->scratch_bytes(); }
  void execute(const void* x, const void* diff_y, float* diff_weight, float* diff_bias, void* scratch) const override {
    float* turned = static_cast<float*>(scratch);
    inner_->overwrite(diff_y, x, turned, shape_.weight_count(), nullptr,
                      offset(scratch, float_bytes(shape_.weight_count())));
    for_each_weight(shape_, [&](std::int64_t i, std::int64_t j) { diff_weight[i] += turned[j]; });
    if (shape_.bias && diff_bias != nullptr) {
      add_column_sums(static_cast<const float*>(diff_y), shape_.n * shape_.out_h() * shape_.out_w(), shape_.filters,
                      diff_bias);
    }
  }
  std::string implementation() const override { return "mirrored " + inner_->implementation(); }

 private:
  ConvolutionShape shape_;
  std::unique_ptr<const BackwardWeightsKernel> inner_;
};

}  // namespace

bool can_be_mirrored(const ConvolutionShape& s) {
  const std::int64_t reach_h = (s.kh - 1) * s.dilation_h, reach_w = (s.kw - 1) * s.dilation_w;
  return s.groups == 1 && s.stride_h == 1 && s.stride_w == 1 && std::max(s.pad_top, s.pad_bottom) <= reach_h &&
         std::max(s.pad_left, s.pad_right) <= reach_w;
}

std::unique_ptr<const ForwardKernel> make_mirrored_forward(const ConvolutionShape& shape) {
  return std::make_unique<MirroredForward>(shape);
}

std::unique_ptr<const BackwardWeightsKernel> make_mirrored_backward_weights(const ConvolutionShape& shape) {
  return std::make_unique<MirroredBackwardWeights>(shape);
}

}  // namespace loom::dnnl
