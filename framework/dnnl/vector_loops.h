// Elementwise loops in addition to the primitives: too small for a primitive call, or missing in oneDNN. Hand-written
// SIMD; the instruction set is chosen at run time. All functions are thread safe, need no scratch and accept any
// alignment.
#pragma once

#include <cstdint>

namespace loom::dnnl {

// out[i] = y[i] > 0 ? diff_y[i] : 0. The gradient through a fused relu, whose output is y. `out` may be diff_y.
void relu_mask(const float* diff_y, const float* y, float* out, std::int64_t count);

// sum[i] += x[i].
void add(const float* x, float* sum, std::int64_t count);

// y = max(y, 0), where NaN stays NaN: oneDNN's own relu makes 0 of it.
void relu(float* y, std::int64_t count);

// y[r,c] = activation(y[r,c] + bias[c]), relu or none; `bias` may be null.
void add_bias(float* y, const float* bias, std::int64_t rows, std::int64_t columns, bool relu);

// sums[c] += sum over r of x[r,c]: the gradient of a bias. The order of the additions depends only on the shape and on
// the instruction set.
void add_column_sums(const float* x, std::int64_t rows, std::int64_t columns, float* sums);
// The same of values that are stored in bf16, or in f32.
void add_column_sums(const void* x, bool is_bf16, std::int64_t rows, std::int64_t columns, float* sums);

// to[columns,rows] = the transpose of from[rows,columns].
void transpose(const float* from, std::int64_t rows, std::int64_t columns, float* to);

}  // namespace loom::dnnl
