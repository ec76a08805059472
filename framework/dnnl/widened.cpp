#include "dnnl/widened.h"

#include <utility>

#include "dnnl/bf16.h"

namespace loom::dnnl {
namespace {

using namespace detail;

std::size_t copy_bytes(StoredValues values) { return values.is_bf16 ? float_bytes(values.count) : 0; }

const float* wide(const void* values, StoredValues stored, void* copy) {
  if (!stored.is_bf16) return static_cast<const float*>(values);
  math::to_f32(static_cast<const Bf16*>(values), static_cast<float*>(copy), stored.count);
  return static_cast<const float*>(copy);
}

class WidenedForward final : public ForwardKernel {
 public:
  WidenedForward(std::unique_ptr<const ForwardKernel> kernel, StoredValues x, StoredValues y)
      : kernel_(std::move(kernel)), x_(x), y_(y) {}

  std::size_t scratch_bytes() const override { return copy_bytes(x_) + copy_bytes(y_) + kernel_->scratch_bytes(); }
  std::size_t packed_bytes() const override { return kernel_->packed_bytes(); }
  std::size_t pack_scratch_bytes() const override { return kernel_->pack_scratch_bytes(); }
  std::string implementation() const override { return kernel_->implementation(); }
  void pack(const float* weight, void* packed, void* scratch) const override { kernel_->pack(weight, packed, scratch); }
  void execute(const void* x, const void* weight, const float* bias, void* y, void* scratch) const override {
    void* copy = offset(scratch, copy_bytes(x_));
    void* result = y_.is_bf16 ? copy : y;
    kernel_->execute(wide(x, x_, scratch), weight, bias, result, offset(copy, copy_bytes(y_)));
    if (y_.is_bf16) math::to_bf16(static_cast<const float*>(result), static_cast<Bf16*>(y), y_.count);
  }

 private:
  std::unique_ptr<const ForwardKernel> kernel_;
  StoredValues x_, y_;
};

class WidenedWeights final : public BackwardWeightsKernel {
 public:
  WidenedWeights(std::unique_ptr<const BackwardWeightsKernel> kernel, StoredValues x, StoredValues diff_y)
      : kernel_(std::move(kernel)), x_(x), diff_y_(diff_y) {}

  std::size_t scratch_bytes() const override { return copy_bytes(x_) + copy_bytes(diff_y_) + kernel_->scratch_bytes(); }
  std::string implementation() const override { return kernel_->implementation(); }
  void execute(const void* x, const void* diff_y, float* diff_weight, float* diff_bias, void* scratch) const override {
    void* copy = offset(scratch, copy_bytes(x_));
    kernel_->execute(wide(x, x_, scratch), wide(diff_y, diff_y_, copy), diff_weight, diff_bias,
                     offset(copy, copy_bytes(diff_y_)));
  }
  void overwrite(const void* x, const void* diff_y, float* diff_weight, std::int64_t count, float* diff_bias,
                 void* scratch) const override {
    void* copy = offset(scratch, copy_bytes(x_));
    kernel_->overwrite(wide(x, x_, scratch), wide(diff_y, diff_y_, copy), diff_weight, count, diff_bias,
                       offset(copy, copy_bytes(diff_y_)));
  }

 private:
  std::unique_ptr<const BackwardWeightsKernel> kernel_;
  StoredValues x_, diff_y_;
};

}  // namespace

std::unique_ptr<const ForwardKernel> widened(std::unique_ptr<const ForwardKernel> kernel, StoredValues x,
                                             StoredValues y) {
  if (!x.is_bf16 && !y.is_bf16) return kernel;
  return std::make_unique<WidenedForward>(std::move(kernel), x, y);
}

std::unique_ptr<const BackwardWeightsKernel> widened(std::unique_ptr<const BackwardWeightsKernel> kernel,
                                                     StoredValues x, StoredValues diff_y) {
  if (!x.is_bf16 && !diff_y.is_bf16) return kernel;
  return std::make_unique<WidenedWeights>(std::move(kernel), x, diff_y);
}

}  // namespace loom::dnnl
