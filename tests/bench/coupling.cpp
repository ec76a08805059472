#include "coupling.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "coupling.cpp"  // this file, once per instruction set
#include <hwy/foreach_target.h>

#include "math/functions-inl.h"

HWY_BEFORE_NAMESPACE();
namespace loom::math::HWY_NAMESPACE {

double Coupling(const float* x, const float* raw, const float* t, float* y, std::int64_t n) {
  Vec sum = hn::Zero(kTag);
  std::int64_t i = 0;
  for (; i + lanes() <= n; i += lanes()) {
    const Vec s = tanh_of(load(raw + i));
    store(hn::MulAdd(load(x + i), exp_of(s), load(t + i)), y + i);
    sum = hn::Add(sum, s);
  }
  if (i < n) {
    const Vec s = tanh_of(load_part(raw + i, n - i));  // 0 in the padding
    store_part(hn::MulAdd(load_part(x + i, n - i), exp_of(s), load_part(t + i, n - i)), y + i, n - i);
    sum = hn::Add(sum, s);
  }
  return total(sum, hn::Zero(kTag));
}

void CouplingGradient(const float* x, const float* raw, const float* diff_y, float diff_sum, float* diff_x,
                      float* diff_raw, float* diff_t, std::int64_t n) {
  const Vec above = hn::Set(kTag, diff_sum);
  for (std::int64_t i = 0; i < n; i += lanes()) {
    const std::int64_t rest = n - i;
    const bool whole = rest >= lanes();
    const auto read = [&](const float* v) HWY_ATTR { return whole ? load(v + i) : load_part(v + i, rest); };
    const auto write = [&](Vec v, float* to) HWY_ATTR { whole ? store(v, to + i) : store_part(v, to + i, rest); };
    const Vec s = tanh_of(read(raw)), g = read(diff_y);
    const Vec by_x = hn::Mul(g, exp_of(s));
    write(by_x, diff_x);
    write(hn::Mul(hn::MulAdd(by_x, read(x), above), hn::NegMulAdd(s, s, set(1))), diff_raw);
    write(g, diff_t);
  }
}

}  // namespace loom::math::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace loom::math {
namespace {
HWY_EXPORT(Coupling);
HWY_EXPORT(CouplingGradient);
}  // namespace

double coupling(const float* x, const float* raw, const float* t, float* y, std::int64_t n) {
  return HWY_DYNAMIC_DISPATCH(Coupling)(x, raw, t, y, n);
}
void coupling_gradient(const float* x, const float* raw, const float* diff_y, float diff_sum, float* diff_x,
                       float* diff_raw, float* diff_t, std::int64_t n) {
  HWY_DYNAMIC_DISPATCH(CouplingGradient)(x, raw, diff_y, diff_sum, diff_x, diff_raw, diff_t, n);
}

}  // namespace loom::math
#endif
