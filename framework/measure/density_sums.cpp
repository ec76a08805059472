#include "measure/density_sums.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "measure/density_sums.cpp"  // this file, once per instruction set
#include <hwy/foreach_target.h>

#include "math/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace loom::math::HWY_NAMESPACE {

void SubtractWeightedSquares(float at, const float* means, const float* weights, float* sums, std::int64_t n) {
  map(
      [z = hn::Set(kTag, at)](Vec mean, Vec weight, Vec sum) {
        const Vec distance = hn::Sub(z, mean);
        return hn::NegMulAdd(hn::Mul(distance, distance), weight, sum);
      },
      sums, n, means, weights, sums);
}

}  // namespace loom::math::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace loom::math {
HWY_EXPORT(SubtractWeightedSquares);
}  // namespace loom::math

namespace loom::measure {

void subtract_weighted_squares(float at, const float* means, const float* weights, float* sums, std::int64_t n) {
  using namespace math;
  HWY_DYNAMIC_DISPATCH(SubtractWeightedSquares)(at, means, weights, sums, n);
}

}  // namespace loom::measure
#endif
