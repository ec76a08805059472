// The convolution primitives of oneDNN, channels last, with the weight layout that they prefer.
#include <algorithm>

#include "dnnl/convolution_descriptions.h"
#include "dnnl/convolution_methods.h"
#include "dnnl/detail.h"
#include "dnnl/primitive.h"
#include "dnnl/vector_loops.h"
#include "dnnl/weight_layout.h"

namespace loom::dnnl {

using namespace detail;

namespace {

class DirectForward final : public ForwardKernel {
 public:
  explicit DirectForward(const ConvolutionShape& s) : bias_(s.bias) {
    if (s.relu) relu_count_ = s.y_count();
    pin_this_thread();
    const auto what = describe(s) + " forward";
    const Desc x = input(s, s.n), y = output(s, s.n), bias = s.bias ? row_major({s.filters}) : Desc();
    const auto descriptor = described(what, [&] {
      return convolution_forward_descriptor(x, any_layout(weight_dims(s)), bias, y, spatial(s), attributes());
    });
    std::vector<Argument> arguments{
        {DNNL_ARG_SRC, x}, {DNNL_ARG_WEIGHTS, descriptor.weights_desc()}, {DNNL_ARG_DST, y}};
    if (s.bias) arguments.push_back({DNNL_ARG_BIAS, bias});
    primitive_ = Primitive(what, descriptor, std::move(arguments));
    layout_ = WeightLayout(descriptor.weights_desc(), spatial_axes(s));
  }

  std::size_t scratch_bytes() const override { return primitive_.scratch_bytes(); }
  std::size_t packed_bytes() const override { return layout_.bytes(); }
  void pack(const float* weight, void* packed, void*) const override { layout_.pack(weight, packed); }
  void execute(const void* x, const void* weight, const float* bias, void* y, void* scratch) const override {
    if (bias_) {
      primitive_.run({x, weight, y, bias}, scratch);
    } else {
      primitive_.run({x, weight, y}, scratch);
    }
    relu(static_cast<float*>(y), relu_count_);
  }
  std::string implementation() const override { return "direct " + primitive_.implementation(); }

 private:
  bool bias_;
  std::int64_t relu_count_ = 0;
  Primitive primitive_;
  WeightLayout layout_;
};

class DirectBackwardData final : public ForwardKernel {
 public:
  DirectBackwardData(const ConvolutionShape& s, bool relu) : shape_(s), relu_(relu) {
    pin_this_thread();
    const auto what = describe(s) + " backward data";
    // The primitive has no bias and no relu: a separate loop applies them while the result is in the
    // cache.
    chunk_ = s.n;
    if (s.bias || relu) {
      constexpr std::int64_t kFloatsInCache = 64 * 1024;
      chunk_ = std::clamp<std::int64_t>(kFloatsInCache / (s.d * s.h * s.w * s.c), 1, s.n);
    }
    Desc weight = any_layout(weight_dims(s));
    const auto create = [&](std::int64_t n) {
      const Desc diff_x = input(s, n), diff_y = output(s, n);
      const auto descriptor =
          described(what, [&] { return convolution_backward_data_descriptor(diff_x, weight, diff_y, spatial(s)); });
      weight = descriptor.weights_desc();  // the remainder's primitive must agree with the first one's
      return Primitive(what, descriptor,
                       {{DNNL_ARG_DIFF_DST, diff_y}, {DNNL_ARG_WEIGHTS, weight}, {DNNL_ARG_DIFF_SRC, diff_x}});
    };
    primitive_ = create(chunk_);
    if (s.n % chunk_ != 0) remainder_ = create(s.n % chunk_);
    layout_ = WeightLayout(weight, spatial_axes(s));
  }

  std::size_t scratch_bytes() const override {
    return std::max(primitive_.scratch_bytes(), remainder_.scratch_bytes());
  }
  std::size_t packed_bytes() const override { return layout_.bytes(); }
  void pack(const float* weight, void* packed, void*) const override { layout_.pack(weight, packed); }
  void execute(const void* diff_y, const void* weight, const float* bias, void* diff_x, void* scratch) const override {
    const std::int64_t pixels = shape_.d * shape_.h * shape_.w, sample_x = pixels * shape_.c;
    const std::int64_t sample_y = shape_.y_count() / shape_.n;
    for (std::int64_t first = 0; first < shape_.n; first += chunk_) {
      const std::int64_t count = std::min(chunk_, shape_.n - first);
      float* result = static_cast<float*>(diff_x) + first * sample_x;
      (count == chunk_ ? primitive_ : remainder_)
          .run({static_cast<const float*>(diff_y) + first * sample_y, weight, result}, scratch);
      add_bias(result, shape_.bias ? bias : nullptr, count * pixels, shape_.c, relu_);
    }
  }
  std::string implementation() const override { return "direct " + primitive_.implementation(); }

 private:
  ConvolutionShape shape_;
  bool relu_;
  std::int64_t chunk_ = 1;
  Primitive primitive_, remainder_;
  WeightLayout layout_;
};

// The primitive writes a gradient in its own layout, in scratch; this gradient is then added to the running
// sum.
class DirectBackwardWeights final : public BackwardWeightsKernel {
 public:
  explicit DirectBackwardWeights(const ConvolutionShape& s) : filters_(s.filters), bias_(s.bias) {
    pin_this_thread();
    const auto what = describe(s) + " backward weights";
    const Desc x = input(s, s.n), diff_y = output(s, s.n), diff_bias = s.bias ? row_major({s.filters}) : Desc();
    const auto descriptor = described(what, [&] {
      return convolution_backward_weights_descriptor(x, any_layout(weight_dims(s)), diff_bias, diff_y, spatial(s));
    });
    const Desc diff_weight = descriptor.diff_weights_desc();
    std::vector<Argument> arguments{
        {DNNL_ARG_SRC, x}, {DNNL_ARG_DIFF_DST, diff_y}, {DNNL_ARG_DIFF_WEIGHTS, diff_weight}};
    if (s.bias) arguments.push_back({DNNL_ARG_DIFF_BIAS, diff_bias});
    primitive_ = Primitive(what, descriptor, std::move(arguments));
    layout_ = WeightLayout(diff_weight, spatial_axes(s));
    bias_at_ = aligned(diff_weight.get_size());
    inner_at_ = bias_at_ + float_bytes(s.filters);
  }

  std::size_t scratch_bytes() const override { return inner_at_ + primitive_.scratch_bytes(); }
  void execute(const void* x, const void* diff_y, float* diff_weight, float* diff_bias, void* scratch) const override {
    compute(x, diff_y, diff_bias, scratch);
    layout_.add_to_plain(static_cast<const float*>(scratch), diff_weight);
  }
  void overwrite(const void* x, const void* diff_y, float* diff_weight, std::int64_t, float* diff_bias,
                 void* scratch) const override {
    compute(x, diff_y, diff_bias, scratch);
    layout_.to_plain(static_cast<const float*>(scratch), diff_weight);
  }
  std::string implementation() const override { return "direct " + primitive_.implementation(); }

 private:
  void compute(const void* x, const void* diff_y, float* diff_bias, void* scratch) const {
    void* inner = offset(scratch, inner_at_);
    if (bias_ && diff_bias != nullptr) {
      float* bias_sum = static_cast<float*>(offset(scratch, bias_at_));
      primitive_.run({x, diff_y, scratch, bias_sum}, inner);
      add(bias_sum, diff_bias, filters_);
    } else {
      primitive_.run({x, diff_y, scratch}, inner);
    }
  }

  std::int64_t filters_;
  bool bias_;
  Primitive primitive_;
  WeightLayout layout_;
  std::size_t bias_at_ = 0, inner_at_ = 0;
};

}  // namespace

std::unique_ptr<const ForwardKernel> make_direct_forward(const ConvolutionShape& shape) {
  return std::make_unique<DirectForward>(shape);
}

std::unique_ptr<const ForwardKernel> make_direct_backward_data(const ConvolutionShape& shape, bool relu) {
  return std::make_unique<DirectBackwardData>(shape, relu);
}

std::unique_ptr<const BackwardWeightsKernel> make_direct_backward_weights(const ConvolutionShape& shape) {
  return std::make_unique<DirectBackwardWeights>(shape);
}

}  // namespace loom::dnnl
