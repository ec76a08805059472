// The gate of PixelCNN and WaveNet.
//   x       [rows, 2 channels]
//   y       [rows, channels] = tanh(a) sigmoid(b), where a and b are the halves of a row of x + offset
//   offset  [2 channels], may be null
//   parts   [rows, 2 channels], the two factors; may be x, or null
//
// The conventions are those of loom/math.h: `n` counts elements, an output may be the same memory as an input of the
// same call, and the same values give the same bits. Thread safety: pure functions; no call allocates.
#pragma once

#include <cstdint>

namespace loom::math {

void gate(const float* x, const float* offset, float* parts, float* y, std::int64_t rows, std::int64_t channels);
void gate_product(const float* parts, float* y, std::int64_t rows, std::int64_t channels);
// diff_x [rows, 2 channels], which may be x, or parts.
void gate_gradient(const float* x, const float* offset, const float* diff_y, float* diff_x, std::int64_t rows,
                   std::int64_t channels);
void gate_gradient_from_parts(const float* parts, const float* diff_y, float* diff_x, std::int64_t rows,
                              std::int64_t channels);

}  // namespace loom::math
