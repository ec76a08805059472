// Private to framework/dnnl: a gradient by the input that is computed as another layer's forward pass without a bias:
// that of a convolution by the transposed one, of a linear layer by the product with its weight.
#pragma once

#include <memory>
#include <utility>

#include "dnnl/kernels.h"

namespace loom::dnnl {

class GradientKernel final : public BackwardDataKernel {
 public:
  explicit GradientKernel(std::unique_ptr<const ForwardKernel> forward) : forward_(std::move(forward)) {}

  std::size_t scratch_bytes() const override { return forward_->scratch_bytes(); }
  std::size_t packed_bytes() const override { return forward_->packed_bytes(); }
  std::size_t pack_scratch_bytes() const override { return forward_->pack_scratch_bytes(); }
  std::string implementation() const override { return forward_->implementation(); }
  void pack(const float* weight, void* packed, void* scratch) const override {
    forward_->pack(weight, packed, scratch);
  }
  void execute(const void* diff_y, const void* weight, void* diff_x, void* scratch) const override {
    forward_->execute(diff_y, weight, nullptr, diff_x, scratch);
  }

 private:
  std::unique_ptr<const ForwardKernel> forward_;
};

}  // namespace loom::dnnl
