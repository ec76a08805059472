// The building blocks of attention: an online softmax, its gradient, and the product of one query with many keys.
//
// The conventions are those of loom/math.h: `n` counts elements, an output may be the same memory as an input of the
// same call, and the same values give the same bits. Thread safety: pure functions; no call allocates.
#pragma once

#include <cstdint>

namespace loom::math {

// Processes a row of scores piece by piece. `maximum` is raised to the maximum of factor x, then x becomes
// e^(factor x - maximum); `sum` is the sum of all pieces so far. maximum and sum start as -infinity and 0; factor > 0,
// n >= 1. Returns e^(old maximum - new maximum), the factor for sums made with the weights of earlier pieces.
float online_softmax(float factor, float* x, std::int64_t n, float& maximum, float& sum);
// x becomes the weights w = e^(factor x - log_sum), and diff, the gradient by w, becomes the one by x:
// factor w (diff - mean).
void attention_gradient(float factor, float log_sum, float mean, float* x, float* diff, std::int64_t n);
// One query of each head against the keys [positions, heads, dim]: scores[h stride + j] = factor query[h] . keys[j, h]
void head_dots(float factor, const float* query, const float* keys, std::int64_t heads, std::int64_t dim,
               std::int64_t positions, float* scores, std::int64_t stride);
// out[h] = sum over j of weights[h stride + j] values[j, h], of values [positions, heads, dim]
void head_sums(const float* weights, std::int64_t stride, const float* values, std::int64_t heads, std::int64_t dim,
               std::int64_t positions, float* out);

}  // namespace loom::math
