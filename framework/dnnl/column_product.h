// Products with an operand of one column whose values lie apart in memory: [m,k] [k,1] -> [m,1], and [1,k] [k,n] -> [1,n]
// where the left operand is stored as [k,1]. oneDNN (3.7.2; brg_matmul) takes the distance for 1, and gives wrong values
// without an error. Plain loops, with sums in double precision: no layer of a shipped graph needs these products.
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
  double dot(const float* a, const float* b) const;

  MatmulShape shape_;
  std::int64_t a_row_, a_column_, b_row_, b_column_, c_row_;  // distances in floats
  std::int64_t batch_a_, batch_b_, batch_c_;
};

}  // namespace loom::dnnl::detail
