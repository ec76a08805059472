// Operations on rows of channels for normalisation. x is [rows, channels].
//
// The conventions are those of loom/math.h: `n` counts elements, an output may be the same memory as an input of the
// same call, and the same values give the same bits. Thread safety: pure functions; no call allocates.
#pragma once

#include <cstdint>

namespace loom::math {

// y = x * factor[c] + offset[c]
void affine_rows(const float* x, const float* factor, const float* offset, float* y, std::int64_t rows,
                 std::int64_t channels);
// y = a * p[c] + b * q[c] + r[c]
void combine_rows(const float* a, const float* p, const float* b, const float* q, const float* r, float* y,
                  std::int64_t rows, std::int64_t channels);
// Adds to first[c] the sum over the rows of x - pivot[c], and to second[c] the sum of its square.
void channel_moments(const float* x, const float* pivot, double* first, double* second, std::int64_t rows,
                     std::int64_t channels);
// Adds to first[c] the sum over the rows of d, and to second[c] the sum of d * (x - pivot[c]).
void channel_products(const float* d, const float* x, const float* pivot, double* first, double* second,
                      std::int64_t rows, std::int64_t channels);

}  // namespace loom::math
