// The product of matrices with one column, which lies in memory with a distance between its values: [m,k] [k,1] -> [m,1].
// oneDNN (3.7.2; brg_matmul) takes the distance of such a column for 1, and gives wrong values without an error.
//
// Immutable. Thread safety: execute() from any thread. Private to framework/dnnl.
#pragma once

#include <cstdint>

#include "dnnl/matmul.h"

namespace loom::dnnl::detail {

class ColumnProduct {
 public:
  // Whether a product is one of these.
  static bool is_meant(const MatmulShape& shape);

  explicit ColumnProduct(const MatmulShape& shape);

  void execute(const float* a, const float* b, const float* bias, float* c) const;

 private:
  double row(const float* a, const float* b) const;

  MatmulShape shape_;
  std::int64_t a_row_, a_column_, b_row_, c_row_;  // distances in floats
  std::int64_t batch_a_, batch_b_, batch_c_;
};

}  // namespace loom::dnnl::detail
