#include "dnnl/linear.h"

#include "dnnl/gradient_kernel.h"
#include "dnnl/matmul.h"

namespace loom::dnnl {
namespace {

class Product final : public ForwardKernel {
 public:
  explicit Product(const MatmulShape& shape) : product_(shape) {}

  std::size_t scratch_bytes() const override { return product_.scratch_bytes(); }
  std::size_t packed_bytes() const override { return product_.packed_bytes(); }
  std::string implementation() const override { return product_.implementation(); }
  void pack(const float* weight, void* packed, void* scratch) const override { product_.pack(weight, packed, scratch); }
  void execute(const void* x, const void* weight, const float* bias, void* y, void* scratch) const override {
    product_.execute(x, weight, bias, y, scratch);
  }

 private:
  Matmul product_;
};

class WeightGradient final : public BackwardWeightsKernel {
 public:
  explicit WeightGradient(const LinearShape& s) : first_(product(s, false)), next_(product(s, true)) {}

  std::size_t scratch_bytes() const override { return std::max(first_.scratch_bytes(), next_.scratch_bytes()); }
  std::string implementation() const override { return next_.implementation(); }
  void execute(const void* x, const void* diff_y, float* diff_weight, float*, void* scratch) const override {
    next_.execute(diff_y, x, nullptr, diff_weight, scratch);
  }
  void overwrite(const void* x, const void* diff_y, float* diff_weight, std::int64_t, float*,
                 void* scratch) const override {
    first_.execute(diff_y, x, nullptr, diff_weight, scratch);
  }

 private:
  static MatmulShape product(const LinearShape& s, bool accumulate) {
    return {.m = s.outputs,
            .n = s.inputs,
            .k = s.rows,
            .transpose_a = true,
            .accumulate = accumulate,
            .bf16 = s.bf16,
            .a_bf16 = s.y_bf16,
            .b_bf16 = s.x_bf16};
  }
  Matmul first_, next_;
};

}  // namespace

std::unique_ptr<const ForwardKernel> make_linear_forward(const LinearShape& s) {
  return std::make_unique<Product>(MatmulShape{.m = s.rows,
                                               .n = s.outputs,
                                               .k = s.inputs,
                                               .transpose_b = true,
                                               .bias = s.bias,
                                               .activation = s.relu ? Activation::relu : Activation::none,
                                               .pack_b = s.pack || s.bf16,
                                               .bf16 = s.bf16,
                                               .a_bf16 = s.x_bf16,
                                               .c_bf16 = s.y_bf16});
}

std::unique_ptr<const BackwardDataKernel> make_linear_backward_data(const LinearShape& s) {
  return std::make_unique<GradientKernel>(std::make_unique<Product>(MatmulShape{.m = s.rows,
                                                                                .n = s.inputs,
                                                                                .k = s.outputs,
                                                                                .pack_b = s.bf16,
                                                                                .bf16 = s.bf16,
                                                                                .a_bf16 = s.y_bf16,
                                                                                .c_bf16 = s.x_bf16}));
}

std::unique_ptr<const BackwardWeightsKernel> make_linear_backward_weights(const LinearShape& s) {
  return std::make_unique<WeightGradient>(s);
}

}  // namespace loom::dnnl
