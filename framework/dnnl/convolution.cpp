#include "dnnl/convolution.h"

#include <algorithm>

#include "dnnl/bf16_choice.h"
#include "dnnl/columns.h"
#include "dnnl/convolution_methods.h"
#include "dnnl/detail.h"
#include "dnnl/gradient_kernel.h"
#include "dnnl/vector_loops.h"
#include "dnnl/widened.h"
#include "dnnl/winograd_choice.h"

namespace loom::dnnl {

namespace {

void validate(const ConvolutionShape& s) {
  const auto what = describe(s) + ": ";
  detail::require(std::min({s.n, s.d, s.h, s.w, s.c, s.filters, s.kd, s.kh, s.kw}) > 0,
                  what + "every size must be positive");
  detail::require(
      std::min({s.stride_d, s.stride_h, s.stride_w, s.dilation_d, s.dilation_h, s.dilation_w, s.groups}) > 0,
      what + "strides, dilations and groups must be positive");
  detail::require(std::min({s.pad_front, s.pad_back, s.pad_top, s.pad_bottom, s.pad_left, s.pad_right}) >= 0,
                  what + "padding must not be negative");
  detail::require(s.c % s.groups == 0 && s.filters % s.groups == 0, what + "groups must divide channels and filters");
  detail::require(s.d + s.pad_front + s.pad_back > (s.kd - 1) * s.dilation_d &&
                      s.h + s.pad_top + s.pad_bottom > (s.kh - 1) * s.dilation_h &&
                      s.w + s.pad_left + s.pad_right > (s.kw - 1) * s.dilation_w,
                  what + "the kernel is larger than the padded input");
}

// A product with the pixels as they are in memory; no windows have to be gathered.
bool is_pointwise(const ConvolutionShape& s) {
  return s.kh == 1 && s.kw == 1 && s.stride_h == 1 && s.stride_w == 1 && s.pad_top == 0 && s.pad_bottom == 0 &&
         s.pad_left == 0 && s.pad_right == 0 && s.groups == 1;
}

// The rule, from measurements on a processor with 16 floats in a vector: the direct kernels' speed is
// proportional to the channels up to 16 (forward is faster, since one channel is read 16 pixels at a
// time); the columns' speed does not depend on them. `few_channels`: the most channels of x for which columns are
// faster. `few_filters`: likewise for the mirrored form, 0 if there is none.
ConvolutionAlgorithm choose(const ConvolutionShape& s, ConvolutionPass pass, ConvolutionAlgorithm algorithm,
                            std::int64_t few_channels, std::int64_t few_filters) {
  validate(s);
  if (s.is_volume()) {
    detail::require(algorithm == ConvolutionAlgorithm::automatic || algorithm == ConvolutionAlgorithm::direct,
                    describe(s) + ": volumes have the direct algorithm alone");
    return ConvolutionAlgorithm::direct;
  }
  const bool has_columns = s.groups == 1 && s.kh <= kMostKernelRows;
  const bool has_mirrored = has_columns && few_filters > 0 && can_be_mirrored(s);
  switch (algorithm) {
    case ConvolutionAlgorithm::direct: break;
    case ConvolutionAlgorithm::columns:
      detail::require(has_columns, describe(s) + ": not supported by the columns algorithm");
      break;
    case ConvolutionAlgorithm::mirrored:
      detail::require(has_mirrored, describe(s) + ": not supported by the mirrored algorithm");
      break;
    case ConvolutionAlgorithm::winograd:
      detail::require(has_winograd(s), describe(s) + ": not supported by the winograd algorithm");
      break;
    case ConvolutionAlgorithm::bf16: break;
    case ConvolutionAlgorithm::automatic:
      if (s.bf16 && is_faster_in_bf16(s, pass)) return ConvolutionAlgorithm::bf16;
      if (s.transformed && has_winograd(s) && winograd_is_faster(s, pass)) return ConvolutionAlgorithm::winograd;
      if (has_columns && (s.c <= few_channels || is_pointwise(s))) return ConvolutionAlgorithm::columns;
      if (has_mirrored && s.filters <= few_filters) return ConvolutionAlgorithm::mirrored;
      return ConvolutionAlgorithm::direct;
  }
  return algorithm;
}

constexpr std::int64_t kFewFilters = 10;

// Of such a result oneDNN 3.7 leaves rows unwritten in bf16, with AMX (seen with 3.7.2, from five rows on).
bool is_strided_column(const ConvolutionShape& s) { return s.out_w() == 1 && s.stride_w > 1; }

std::unique_ptr<const ForwardKernel> forward(const ConvolutionShape& s, ConvolutionAlgorithm algorithm) {
  switch (choose(s, ConvolutionPass::forward, algorithm, 2, kFewFilters)) {
    case ConvolutionAlgorithm::bf16:
      if (fastest_bf16_form(s, ConvolutionPass::forward) == Bf16Form::blocks) return make_strided_bf16_forward(s);
      if (is_strided_column(s)) return widened_forward(s, make_direct_forward);
      return make_bf16_forward(s);
    case ConvolutionAlgorithm::columns: return widened_forward(s, make_columns_forward);
    case ConvolutionAlgorithm::mirrored: return widened_forward(s, make_mirrored_forward);
    case ConvolutionAlgorithm::winograd: return widened_forward(s, make_winograd_forward);
    default: return widened_forward(s, make_direct_forward);
  }
}

std::unique_ptr<const ForwardKernel> backward_data(const ConvolutionShape& s, bool relu,
                                                   ConvolutionAlgorithm algorithm) {
  const auto with_relu = [&](auto* make) { return [=](const ConvolutionShape& part) { return make(part, relu); }; };
  switch (choose(s, ConvolutionPass::by_input, algorithm, 10, 0)) {
    case ConvolutionAlgorithm::bf16:
      return fastest_bf16_form(s, ConvolutionPass::by_input) == Bf16Form::blocks
                 ? make_strided_bf16_backward_data(s, relu)
                 : make_bf16_backward_data(s, relu);
    case ConvolutionAlgorithm::columns: return widened_data(s, with_relu(make_columns_backward_data));
    case ConvolutionAlgorithm::winograd: return widened_data(s, with_relu(make_winograd_backward_data));
    default: return widened_data(s, with_relu(make_direct_backward_data));
  }
}

std::unique_ptr<const BackwardWeightsKernel> backward_weights(const ConvolutionShape& s,
                                                              ConvolutionAlgorithm algorithm) {
  switch (choose(s, ConvolutionPass::by_weight, algorithm, 15, kFewFilters)) {
    case ConvolutionAlgorithm::bf16:
      switch (fastest_bf16_form(s, ConvolutionPass::by_weight)) {
        case Bf16Form::taps: return make_taps_bf16_backward_weights(s);
        case Bf16Form::blocks: return make_strided_bf16_backward_weights(s);
        default: return make_bf16_backward_weights(s);
      }
    case ConvolutionAlgorithm::columns: return widened_weights(s, make_columns_backward_weights);
    case ConvolutionAlgorithm::mirrored: return widened_weights(s, make_mirrored_backward_weights);
    case ConvolutionAlgorithm::winograd: return widened_weights(s, make_winograd_backward_weights);
    default: return widened_weights(s, make_direct_backward_weights);
  }
}

// For the gradient with respect to x: a bias would be added to the result, as in a transposed convolution.
ConvolutionShape without_bias(ConvolutionShape s) {
  s.bias = false;
  return s;
}

// The weight gradient of the mirrored convolution, with x and y exchanged; the bias is that of y.
class TransposedBackwardWeights final : public BackwardWeightsKernel {
 public:
  TransposedBackwardWeights(const TransposedConvolutionShape& s, ConvolutionAlgorithm algorithm)
      : mirrored_(backward_weights(s.mirrored(), algorithm)) {
    if (s.bias) rows_ = s.n * s.out_d() * s.out_h() * s.out_w(), columns_ = s.filters, y_bf16_ = s.y_bf16;
  }
  std::size_t scratch_bytes() const override { return mirrored_->scratch_bytes(); }
  std::string implementation() const override { return mirrored_->implementation(); }
  void execute(const void* x, const void* diff_y, float* diff_weight, float* diff_bias, void* scratch) const override {
    mirrored_->execute(diff_y, x, diff_weight, nullptr, scratch);
    if (rows_ != 0) add_column_sums(diff_y, y_bf16_, rows_, columns_, diff_bias);
  }
  void overwrite(const void* x, const void* diff_y, float* diff_weight, std::int64_t count, float* diff_bias,
                 void* scratch) const override {
    mirrored_->overwrite(diff_y, x, diff_weight, count, nullptr, scratch);
    if (rows_ != 0) add_column_sums(diff_y, y_bf16_, rows_, columns_, diff_bias);
  }

 private:
  std::unique_ptr<const BackwardWeightsKernel> mirrored_;
  std::int64_t rows_ = 0, columns_ = 0;  // shape of y; 0 without a bias
  bool y_bf16_ = false;
};

}  // namespace

std::string describe(const ConvolutionShape& s) {
  const bool volume = s.is_volume();
  return (volume ? detail::label("convolution", {s.n, s.d, s.h, s.w, s.c})
                 : detail::label("convolution", {s.n, s.h, s.w, s.c})) +
         ", " + std::to_string(s.filters) + " filters " + (volume ? std::to_string(s.kd) + "x" : "") +
         std::to_string(s.kh) + "x" + std::to_string(s.kw);
}

ConvolutionShape TransposedConvolutionShape::mirrored() const {
  ConvolutionShape s;
  s.n = n, s.h = out_h(), s.w = out_w(), s.c = filters, s.filters = c;
  s.kh = kh, s.kw = kw, s.stride_h = stride_h, s.stride_w = stride_w;
  s.pad_top = pad_top, s.pad_bottom = pad_bottom, s.pad_left = pad_left, s.pad_right = pad_right;
  s.dilation_h = dilation_h, s.dilation_w = dilation_w, s.groups = groups;
  s.transformed = transformed, s.bf16 = bf16, s.x_bf16 = y_bf16, s.y_bf16 = x_bf16;
  s.d = out_d(), s.kd = kd, s.stride_d = stride_d, s.dilation_d = dilation_d;
  s.pad_front = pad_front, s.pad_back = pad_back;
  validate(s);
  detail::require(output_padding_h >= 0 && output_padding_w >= 0 && output_padding_d >= 0 && s.out_h() == h &&
                      s.out_w() == w && s.out_d() == d,
                  describe(s) + " (mirrored): output padding must be less than the stride");
  return s;
}

std::unique_ptr<const ForwardKernel> make_convolution_forward(const ConvolutionShape& shape,
                                                              ConvolutionAlgorithm algorithm) {
  return forward(shape, algorithm);
}

std::unique_ptr<const BackwardDataKernel> make_convolution_backward_data(const ConvolutionShape& shape,
                                                                         ConvolutionAlgorithm algorithm) {
  return std::make_unique<GradientKernel>(backward_data(without_bias(shape), false, algorithm));
}

std::unique_ptr<const BackwardWeightsKernel> make_convolution_backward_weights(const ConvolutionShape& shape,
                                                                               ConvolutionAlgorithm algorithm) {
  return backward_weights(shape, algorithm);
}

std::unique_ptr<const ForwardKernel> make_transposed_convolution_forward(const TransposedConvolutionShape& shape,
                                                                         ConvolutionAlgorithm algorithm) {
  ConvolutionShape mirrored = shape.mirrored();
  mirrored.bias = shape.bias;
  return backward_data(mirrored, shape.relu, algorithm);
}

std::unique_ptr<const BackwardDataKernel> make_transposed_convolution_backward_data(
    const TransposedConvolutionShape& shape, ConvolutionAlgorithm algorithm) {
  return std::make_unique<GradientKernel>(forward(shape.mirrored(), algorithm));
}

std::unique_ptr<const BackwardWeightsKernel> make_transposed_convolution_backward_weights(
    const TransposedConvolutionShape& shape, ConvolutionAlgorithm algorithm) {
  return std::make_unique<TransposedBackwardWeights>(shape, algorithm);
}

}  // namespace loom::dnnl
