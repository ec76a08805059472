// The inner loop of the aggregate posterior's density, in SIMD. Internal to framework/measure.
#pragma once

#include <cstdint>

namespace loom::measure {

// sums[m] -= weights[m] (at - means[m])^2; the last bits depend on the instruction set.
void subtract_weighted_squares(float at, const float* means, const float* weights, float* sums, std::int64_t n);

}  // namespace loom::measure
