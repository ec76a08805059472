// A RealNVP coupling (Dinh et al. 2017), y = x exp(tanh(raw)) + t with its log-determinant, written by hand for one pass
// through memory: what a formula is measured against.
#pragma once

#include <cstdint>

namespace loom::math {

// y = x exp(s) + t, s = tanh(raw); returns the sum of s.
double coupling(const float* x, const float* raw, const float* t, float* y, std::int64_t n);
// The gradients of x, raw and t, of those of y and of the sum.
void coupling_gradient(const float* x, const float* raw, const float* diff_y, float diff_sum, float* diff_x,
                       float* diff_raw, float* diff_t, std::int64_t n);

}  // namespace loom::math
