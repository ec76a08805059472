// The optimizers' update kernels, after PyTorch's torch.optim (the formulas of its documentation), one pass over the
// parameter each.
#include <algorithm>
#include <cmath>

#include "math/update.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "math/update.cpp"  // this file, once per instruction set
#include <hwy/foreach_target.h>

#include "math/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace loom::math::HWY_NAMESPACE {

using I = std::int64_t;

// Calls body(offset, count) for full vectors (count = lanes) and once for the rest. Loads and stores of a Part know
// whether they are full.
struct Part {
  I offset, count;
  bool whole;
  HWY_INLINE Vec get(const float* x) const { return whole ? load(x + offset) : load_part(x + offset, count); }
  HWY_INLINE void put(Vec v, float* y) const { whole ? store(v, y + offset) : store_part(v, y + offset, count); }
};

template <class Body>
HWY_INLINE void for_parts(I n, Body body) {
  const I width = lanes();
  I i = 0;
  for (; i + width <= n; i += width) body(Part{i, width, true});
  if (i < n) body(Part{i, n - i, false});
}

void Adam(float* weight, const float* gradient, float* mean, float* variance, I n, const AdamStep& s) {
  const Vec factor = set(s.gradient_factor), decay = set(s.decoupled ? 0 : s.weight_decay);
  const Vec shrink = set(s.decoupled ? 1 - s.learning_rate * s.weight_decay : 1);
  const Vec beta1 = set(s.beta1), rest1 = set(1 - s.beta1), beta2 = set(s.beta2), rest2 = set(1 - s.beta2);
  const Vec step = set(s.learning_rate / s.correction1), root = set(1 / std::sqrt(s.correction2)), eps = set(s.epsilon);
  for_parts(n, [&](Part p) {
    Vec w = hn::Mul(p.get(weight), shrink);
    const Vec g = hn::MulAdd(decay, w, hn::Mul(factor, p.get(gradient)));
    const Vec m = hn::MulAdd(beta1, p.get(mean), hn::Mul(rest1, g));
    const Vec v = hn::MulAdd(beta2, p.get(variance), hn::Mul(rest2, hn::Mul(g, g)));
    const Vec denominator = hn::MulAdd(hn::Sqrt(v), root, eps);
    w = hn::NegMulAdd(step, hn::Div(m, denominator), w);
    p.put(w, weight);
    p.put(m, mean);
    p.put(v, variance);
  });
}

void Adamax(float* weight, const float* gradient, float* mean, float* largest, I n, const AdamStep& s) {
  const Vec factor = set(s.gradient_factor), decay = set(s.weight_decay), eps = set(s.epsilon);
  const Vec beta1 = set(s.beta1), rest1 = set(1 - s.beta1), beta2 = set(s.beta2);
  const Vec step = set(s.learning_rate / s.correction1);
  for_parts(n, [&](Part p) {
    Vec w = p.get(weight);
    const Vec g = hn::MulAdd(decay, w, hn::Mul(factor, p.get(gradient)));
    const Vec m = hn::MulAdd(beta1, p.get(mean), hn::Mul(rest1, g));
    const Vec u = hn::Max(hn::Mul(beta2, p.get(largest)), hn::Add(hn::Abs(g), eps));
    w = hn::NegMulAdd(step, hn::Div(m, u), w);
    p.put(w, weight);
    p.put(m, mean);
    p.put(u, largest);
  });
}

void Rmsprop(float* weight, const float* gradient, float* variance, float* velocity, float* mean, I n,
             const RmspropStep& s) {
  const Vec factor = set(s.gradient_factor), decay = set(s.weight_decay), eps = set(s.epsilon);
  const Vec alpha = set(s.alpha), rest = set(1 - s.alpha), momentum = set(s.momentum), step = set(s.learning_rate);
  for_parts(n, [&](Part p) {
    Vec w = p.get(weight);
    const Vec g = hn::MulAdd(decay, w, hn::Mul(factor, p.get(gradient)));
    const Vec v = hn::MulAdd(alpha, p.get(variance), hn::Mul(rest, hn::Mul(g, g)));
    p.put(v, variance);
    Vec spread = v;
    if (mean != nullptr) {
      const Vec m = hn::MulAdd(alpha, p.get(mean), hn::Mul(rest, g));
      p.put(m, mean);
      spread = hn::Max(hn::NegMulAdd(m, m, v), hn::Zero(kTag));
    }
    Vec update = hn::Div(g, hn::Add(hn::Sqrt(spread), eps));
    if (velocity != nullptr) {
      update = hn::MulAdd(momentum, p.get(velocity), update);
      p.put(update, velocity);
    }
    w = hn::NegMulAdd(step, update, w);
    p.put(w, weight);
  });
}

void Sgd(float* weight, const float* gradient, float* velocity, I n, const SgdStep& s) {
  const Vec factor = set(s.gradient_factor), decay = set(s.weight_decay), step = set(s.learning_rate);
  const Vec momentum = set(s.momentum), rest = set(s.first ? 1 : 1 - s.dampening), old = set(s.first ? 0 : s.momentum);
  for_parts(n, [&](Part p) {
    const Vec w = p.get(weight);
    const Vec g = hn::MulAdd(decay, w, hn::Mul(factor, p.get(gradient)));
    Vec update = g;
    if (velocity != nullptr) {
      const Vec v = hn::MulAdd(old, p.get(velocity), hn::Mul(rest, g));
      p.put(v, velocity);
      update = s.nesterov ? hn::MulAdd(momentum, v, g) : v;
    }
    p.put(hn::NegMulAdd(step, update, w), weight);
  });
}

}  // namespace loom::math::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace loom::math {

using I = std::int64_t;
HWY_EXPORT(Adam);
HWY_EXPORT(Adamax);
HWY_EXPORT(Rmsprop);
HWY_EXPORT(Sgd);

void adam_update(float* weight, const float* gradient, float* mean, float* variance, I n, const AdamStep& step) {
  HWY_DYNAMIC_DISPATCH(Adam)(weight, gradient, mean, variance, n, step);
}
void adamax_update(float* weight, const float* gradient, float* mean, float* largest, I n, const AdamStep& step) {
  HWY_DYNAMIC_DISPATCH(Adamax)(weight, gradient, mean, largest, n, step);
}
void rmsprop_update(float* weight, const float* gradient, float* variance, float* velocity, float* mean, I n,
                    const RmspropStep& step) {
  HWY_DYNAMIC_DISPATCH(Rmsprop)(weight, gradient, variance, velocity, mean, n, step);
}
void sgd_update(float* weight, const float* gradient, float* velocity, I n, const SgdStep& step) {
  HWY_DYNAMIC_DISPATCH(Sgd)(weight, gradient, velocity, n, step);
}

}  // namespace loom::math
#endif
