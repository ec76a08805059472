#include "dnnl/convolution.h"

#include <algorithm>

#include "dnnl/columns.h"
#include "dnnl/convolution_methods.h"
#include "dnnl/detail.h"
#include "dnnl/vector_loops.h"

namespace loom::dnnl {

namespace {

void validate(const ConvolutionShape& s) {
  const auto what = describe(s) + ": ";
  detail::require(std::min({s.n, s.h, s.w, s.c, s.filters, s.kh, s.kw}) > 0, what + "every size must be positive");
  detail::require(std::min({s.stride_h, s.stride_w, s.dilation_h, s.dilation_w, s.groups}) > 0,
                  what + "strides, dilations and groups must be positive");
  detail::require(std::min({s.pad_top, s.pad_bottom, s.pad_left, s.pad_right}) >= 0,
                  what + "padding must not be negative");
  detail::require(s.c % s.groups == 0 && s.filters % s.groups == 0, what + "groups must divide channels and filters");
  detail::require(s.h + s.pad_top + s.pad_bottom > (s.kh - 1) * s.dilation_h &&
                      s.w + s.pad_left + s.pad_right > (s.kw - 1) * s.dilation_w,
                  what + "the kernel is larger than the padded input");
}

// A product with the pixels as they lie in memory: no window to gather.
bool is_pointwise(const ConvolutionShape& s) {
  return s.kh == 1 && s.kw == 1 && s.stride_h == 1 && s.stride_w == 1 && s.pad_top == 0 && s.pad_bottom == 0 &&
         s.pad_left == 0 && s.pad_right == 0 && s.groups == 1;
}

// The rule, from measurements on a processor with 16 floats in a vector: the direct kernels' speed is
// proportional to the channels up to 16 (forward they do better, since one channel is read 16 pixels at a
// time), the columns' does not depend on them. `few_channels`: the most channels of x for which columns are
// faster. `few_filters`: likewise for the mirrored form, 0 where there is none.
ConvolutionAlgorithm choose(const ConvolutionShape& s, ConvolutionAlgorithm algorithm, std::int64_t few_channels,
                            std::int64_t few_filters) {
  validate(s);
  const bool has_columns = s.groups == 1 && s.kh <= kMostKernelRows;
  const bool has_mirrored = has_columns && few_filters > 0 && can_be_mirrored(s);
  switch (algorithm) {
    case ConvolutionAlgorithm::direct: break;
    case ConvolutionAlgorithm::columns:
      detail::require(has_columns, describe(s) + ": too special for the columns algorithm");
      break;
    case ConvolutionAlgorithm::mirrored:
      detail::require(has_mirrored, describe(s) + ": too special for the mirrored algorithm");
      break;
    case ConvolutionAlgorithm::automatic:
      if (has_columns && (s.c <= few_channels || is_pointwise(s))) return ConvolutionAlgorithm::columns;
      if (has_mirrored && s.filters <= few_filters) return ConvolutionAlgorithm::mirrored;
      return ConvolutionAlgorithm::direct;
  }
  return algorithm;
}

constexpr std::int64_t kFewFilters = 10;

std::unique_ptr<const ForwardMethod> forward(const ConvolutionShape& s, ConvolutionAlgorithm algorithm) {
  switch (choose(s, algorithm, 2, kFewFilters)) {
    case ConvolutionAlgorithm::columns: return make_columns_forward(s);
    case ConvolutionAlgorithm::mirrored: return make_mirrored_forward(s);
    default: return make_direct_forward(s);
  }
}

std::unique_ptr<const BackwardDataMethod> backward_data(const ConvolutionShape& s, bool relu,
                                                        ConvolutionAlgorithm algorithm) {
  return choose(s, algorithm, 10, 0) == ConvolutionAlgorithm::columns ? make_columns_backward_data(s, relu)
                                                                      : make_direct_backward_data(s, relu);
}

std::unique_ptr<const BackwardWeightsMethod> backward_weights(const ConvolutionShape& s,
                                                              ConvolutionAlgorithm algorithm) {
  switch (choose(s, algorithm, 15, kFewFilters)) {
    case ConvolutionAlgorithm::columns: return make_columns_backward_weights(s);
    case ConvolutionAlgorithm::mirrored: return make_mirrored_backward_weights(s);
    default: return make_direct_backward_weights(s);
  }
}

// For the gradient by x: a bias there would be one of the result, as in a transposed convolution.
ConvolutionShape without_bias(ConvolutionShape s) {
  s.bias = false;
  return s;
}

}  // namespace

std::string describe(const ConvolutionShape& s) {
  return detail::label("convolution", {s.n, s.h, s.w, s.c}) + ", " + std::to_string(s.filters) + " filters " +
         std::to_string(s.kh) + "x" + std::to_string(s.kw);
}

ConvolutionShape TransposedConvolutionShape::mirrored() const {
  ConvolutionShape s;
  s.n = n, s.h = out_h(), s.w = out_w(), s.c = filters, s.filters = c;
  s.kh = kh, s.kw = kw, s.stride_h = stride_h, s.stride_w = stride_w;
  s.pad_top = pad_top, s.pad_bottom = pad_bottom, s.pad_left = pad_left, s.pad_right = pad_right;
  s.dilation_h = dilation_h, s.dilation_w = dilation_w, s.groups = groups;
  validate(s);
  detail::require(output_padding_h >= 0 && output_padding_w >= 0 && s.out_h() == h && s.out_w() == w,
                  describe(s) + " (mirrored): output padding must be less than the stride");
  return s;
}

#define LOOM_MOVABLE(Class)                 \
  Class::~Class() = default;                \
  Class::Class(Class&&) noexcept = default; \
  Class& Class::operator=(Class&&) noexcept = default;

#define LOOM_PACKED(Class)                                                        \
  LOOM_MOVABLE(Class)                                                             \
  std::size_t Class::scratch_bytes() const { return method_->scratch_bytes(); }   \
  std::size_t Class::packed_bytes() const { return method_->packed_bytes(); }     \
  std::string Class::implementation() const { return method_->implementation(); } \
  void Class::pack(const float* weight, void* packed, void* scratch) const { method_->pack(weight, packed, scratch); }

LOOM_PACKED(ConvolutionForward)
LOOM_PACKED(ConvolutionBackwardData)
LOOM_PACKED(TransposedConvolutionForward)
LOOM_PACKED(TransposedConvolutionBackwardData)
LOOM_MOVABLE(ConvolutionBackwardWeights)
LOOM_MOVABLE(TransposedConvolutionBackwardWeights)

ConvolutionForward::ConvolutionForward(const ConvolutionShape& shape, ConvolutionAlgorithm algorithm)
    : method_(forward(shape, algorithm)) {}

void ConvolutionForward::execute(const float* x, const void* weight, const float* bias, float* y, void* scratch) const {
  method_->execute(x, weight, bias, y, scratch);
}

ConvolutionBackwardData::ConvolutionBackwardData(const ConvolutionShape& shape, ConvolutionAlgorithm algorithm)
    : method_(backward_data(without_bias(shape), false, algorithm)) {}

void ConvolutionBackwardData::execute(const float* diff_y, const void* weight, float* diff_x, void* scratch) const {
  method_->execute(diff_y, weight, nullptr, diff_x, scratch);
}

ConvolutionBackwardWeights::ConvolutionBackwardWeights(const ConvolutionShape& shape, ConvolutionAlgorithm algorithm)
    : method_(backward_weights(shape, algorithm)) {}

std::size_t ConvolutionBackwardWeights::scratch_bytes() const { return method_->scratch_bytes(); }
std::string ConvolutionBackwardWeights::implementation() const { return method_->implementation(); }

void ConvolutionBackwardWeights::execute(const float* x, const float* diff_y, float* diff_weight, float* diff_bias,
                                         void* scratch) const {
  method_->execute(x, diff_y, diff_weight, diff_bias, scratch);
}

TransposedConvolutionForward::TransposedConvolutionForward(const TransposedConvolutionShape& shape,
                                                           ConvolutionAlgorithm algorithm) {
  auto mirrored = shape.mirrored();
  mirrored.bias = shape.bias;
  method_ = backward_data(mirrored, shape.relu, algorithm);
}

void TransposedConvolutionForward::execute(const float* x, const void* weight, const float* bias, float* y,
                                           void* scratch) const {
  method_->execute(x, weight, bias, y, scratch);
}

TransposedConvolutionBackwardData::TransposedConvolutionBackwardData(const TransposedConvolutionShape& shape,
                                                                     ConvolutionAlgorithm algorithm)
    : method_(forward(shape.mirrored(), algorithm)) {}

void TransposedConvolutionBackwardData::execute(const float* diff_y, const void* weight, float* diff_x,
                                                void* scratch) const {
  method_->execute(diff_y, weight, nullptr, diff_x, scratch);
}

TransposedConvolutionBackwardWeights::TransposedConvolutionBackwardWeights(const TransposedConvolutionShape& shape,
                                                                           ConvolutionAlgorithm algorithm)
    : method_(backward_weights(shape.mirrored(), algorithm)) {
  if (shape.bias) bias_rows_ = shape.n * shape.out_h() * shape.out_w(), bias_columns_ = shape.filters;
}

std::size_t TransposedConvolutionBackwardWeights::scratch_bytes() const { return method_->scratch_bytes(); }
std::string TransposedConvolutionBackwardWeights::implementation() const { return method_->implementation(); }

void TransposedConvolutionBackwardWeights::execute(const float* x, const float* diff_y, float* diff_weight,
                                                   float* diff_bias, void* scratch) const {
  method_->execute(diff_y, x, diff_weight, nullptr, scratch);
  if (bias_rows_ != 0) add_column_sums(diff_y, bias_rows_, bias_columns_, diff_bias);
}

}  // namespace loom::dnnl
