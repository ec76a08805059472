#include "autoregressive/vertical_stack.h"

#include "dnnl/winograd_choice.h"

namespace loom::nodes {

using dnnl::ConvolutionPass;

void VerticalStack::prepare(const Prepare& p, const Shape& x, std::int64_t kernel) {
  make_product(p, x, kernel);
  if (p.backward && (p.transformed || p.bf16)) make_convolutions(x, kernel, p.bf16);
  scratch_bytes_ = product_->scratch_bytes();
  // Without its forward pass and its gradient by the image, the product needs no weight.
  if (forward_ == nullptr || data_ == nullptr) product_packed_ = p.packed<std::byte>(product_->packed_bytes());
  if (forward_) {
    forward_weight_.prepare(p, *forward_);
    scratch_bytes_ = std::max(scratch_bytes_, forward_->scratch_bytes());
  }
  if (data_) {
    data_weight_.prepare(p, *data_);
    scratch_bytes_ = std::max(scratch_bytes_, data_->scratch_bytes());
  }
  if (weights_) scratch_bytes_ = std::max(scratch_bytes_, weights_->scratch_bytes());
  scratch_bytes_ = std::max(scratch_bytes_, packing_bytes(forward_.get(), data_.get()));
}

void VerticalStack::make_product(const Prepare& p, const Shape& x, std::int64_t kernel) {
  const std::int64_t half = kernel / 2;
  dnnl::CausalSource rows{.channels = x[3], .kernel = (half + 1) * kernel, .runs = {}};
  for (std::int64_t row = 0; row <= half; ++row) rows.runs.push_back({row - half, -half, kernel, row * kernel});
  product_ = std::make_unique<CausalProduct>(dnnl::CausalProductShape{.height = x[1],
                                                                      .width = x[2],
                                                                      .filters = 2 * x[3],
                                                                      .sources = {std::move(rows)},
                                                                      .bias = true,
                                                                      .backward = p.backward,
                                                                      .bf16 = p.bf16 && p.backward,
                                                                      .samples = p.incremental ? x[0] : 0});
}

// In bf16 all three passes; otherwise those in which Winograd's transform is faster than the product.
void VerticalStack::make_convolutions(const Shape& x, std::int64_t kernel, bool bf16) {
  dnnl::ConvolutionShape s{.n = x[0], .h = x[1], .w = x[2], .c = x[3], .filters = 2 * x[3]};
  s.kh = kernel / 2 + 1, s.kw = kernel;
  s.pad_top = s.pad_left = s.pad_right = kernel / 2;
  const auto algorithm = bf16 ? dnnl::ConvolutionAlgorithm::bf16 : dnnl::ConvolutionAlgorithm::winograd;
  const auto is_faster = [&](ConvolutionPass pass) { return bf16 || winograd_is_faster(s, pass); };
  if (is_faster(ConvolutionPass::by_input)) data_ = make_convolution_backward_data(s, algorithm);
  if (is_faster(ConvolutionPass::by_weight)) weights_ = make_convolution_backward_weights(s, algorithm);
  s.bias = true;
  if (is_faster(ConvolutionPass::forward)) forward_ = make_convolution_forward(s, algorithm);
}

void VerticalStack::pack(const Pack& p, const float* weight, void* scratch) const {
  if (!product_packed_.empty()) product_->pack(&weight, product_packed_(p).data());
  if (forward_) forward_weight_.pack(p, *forward_, weight, scratch);
  if (data_) data_weight_.pack(p, *data_, weight, scratch);
}

std::string VerticalStack::implementation(bool backward) const {
  const std::string product = product_->implementation();
  if (!backward) return forward_ ? forward_->implementation() : product;
  const std::string data = data_ ? data_->implementation() : product;
  const std::string weights = weights_ ? weights_->implementation() : product;
  return data == weights ? data : data + "; " + weights;
}

void VerticalStack::forward(const Call& call, const float* x, const float* bias, float* y, void* scratch) const {
  forward_->execute(x, forward_weight_.of(call, nullptr), bias, y, scratch);
}

void VerticalStack::backward_data(const Call& call, const float* diff_y, float* diff_x, void* scratch) const {
  data_->execute(diff_y, data_weight_.of(call, nullptr), diff_x, scratch);
}

void VerticalStack::backward_weights(const float* x, const float* diff_y, const TensorView& diff_weight, bool is_first,
                                     void* scratch) const {
  if (is_first)
    weights_->overwrite(x, diff_y, diff_weight.data(), diff_weight.count(), nullptr, scratch);
  else
    weights_->execute(x, diff_y, diff_weight.data(), nullptr, scratch);
}

}  // namespace loom::nodes
