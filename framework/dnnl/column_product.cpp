#include "dnnl/column_product.h"

namespace loom::dnnl::detail {
namespace {

std::int64_t or_default(std::int64_t given, std::int64_t value) { return given != 0 ? given : value; }

}  // namespace

bool ColumnProduct::is_meant(const MatmulShape& shape) {
  const bool strided_b = !shape.transpose_b && shape.ldb > 1, strided_c = shape.ldc > 1;
  return (shape.n == 1 && (strided_b || strided_c)) || (shape.m == 1 && shape.transpose_a && shape.lda > 1);
}

ColumnProduct::ColumnProduct(const MatmulShape& s) : shape_(s) {
  const std::int64_t lda = or_default(s.lda, s.transpose_a ? s.m : s.k),
                     ldb = or_default(s.ldb, s.transpose_b ? s.k : s.n);
  a_row_ = s.transpose_a ? 1 : lda;
  a_column_ = s.transpose_a ? lda : 1;
  b_row_ = s.transpose_b ? 1 : ldb;
  b_column_ = s.transpose_b ? ldb : 1;
  c_row_ = or_default(s.ldc, s.n);
  batch_a_ = or_default(s.batch_stride_a, lda * (s.transpose_a ? s.k : s.m));
  batch_b_ = or_default(s.batch_stride_b, ldb * (s.transpose_b ? s.n : s.k));
  batch_c_ = or_default(s.batch_stride_c, c_row_ * s.m);
}

double ColumnProduct::dot(const float* a, const float* b) const {
  double sum = 0;
  for (std::int64_t k = 0; k < shape_.k; ++k)
    sum += static_cast<double>(a[k * a_column_]) * static_cast<double>(b[k * b_row_]);
  return sum;
}

void ColumnProduct::execute(const float* a, const float* b, const float* bias, float* c) const {
  for (std::int64_t i = 0; i < shape_.batch; ++i) {
    for (std::int64_t m = 0; m < shape_.m; ++m) {
      for (std::int64_t n = 0; n < shape_.n; ++n) {
        float& out = c[i * batch_c_ + m * c_row_ + n];
        double sum = dot(a + i * batch_a_ + m * a_row_, b + i * batch_b_ + n * b_column_);
        if (shape_.bias) sum += bias[n];
        if (shape_.accumulate) sum += out;
        out = static_cast<float>(shape_.activation == Activation::relu && sum < 0 ? 0 : sum);  // NaN stays NaN
      }
    }
  }
}

}  // namespace loom::dnnl::detail
