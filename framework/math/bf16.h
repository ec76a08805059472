// Loops over bf16, which compute in f32 and round each result: for what has to be one pass over values in the cache.
//
// NaN stays NaN. `n` counts elements; an output may be the same memory as an input of the same call.
// Thread safety: pure functions; no call allocates.
#pragma once

#include <cstdint>

#include "loom/tensor.h"

namespace loom::math {

// y = max(y, 0)
void relu(BFloat16* y, std::int64_t n);
// out = y > 0 ? diff : 0, the gradient through a relu whose result is y.
void relu_mask(const BFloat16* diff, const BFloat16* y, BFloat16* out, std::int64_t n);
// y = a + b
void add(const BFloat16* a, const BFloat16* b, BFloat16* y, std::int64_t n);
// y[r,c] = y[r,c] + bias[c], and relu of that; `bias` may be null.
void add_bias(BFloat16* y, const float* bias, std::int64_t rows, std::int64_t columns, bool relu);
// sums[c] += the sum over r of x[r,c], in f32, in an order that depends on the shape and the instruction set alone.
void add_column_sums(const BFloat16* x, std::int64_t rows, std::int64_t columns, float* sums);

}  // namespace loom::math
