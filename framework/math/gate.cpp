// The gate tanh(a) sigmoid(b) of autoregressive networks over rows [2 C], both halves together. With u = e^-2a and
// w = e^-b one division serves for both:
//   tanh(a) = (1 - u) (1 + w) r,   sigmoid(b) = (1 + u) r,   r = 1 / ((1 + u) (1 + w))
#include <algorithm>

#include "math/gate.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "math/gate.cpp"  // this file, once per instruction set
#include <hwy/foreach_target.h>

#include "math/functions-inl.h"

HWY_BEFORE_NAMESPACE();
namespace loom::math::HWY_NAMESPACE {

using I = std::int64_t;

struct Parts {
  Vec value, opening;  // tanh(a), sigmoid(b)
};

// Below -10 tanh is -1, and below -40 the sigmoid is less than 1e-17: the limits keep the product finite. Above the upper ones
// both are 1.
HWY_INLINE Parts parts_of(Vec a, Vec b) {
  const Vec one = set(1);
  const Vec u = exp_of_moderate(hn::Mul(set(-2), hn::Max(set(-10), hn::Min(set(40), a))));
  const Vec w = exp_of_moderate(hn::Neg(hn::Max(set(-40), hn::Min(set(80), b))));
  const Vec above = hn::Add(one, u), below = hn::Add(one, w);
  const Vec r = hn::Div(one, hn::Mul(above, below));
  return {keep_nan(a, hn::Mul(hn::Mul(hn::Sub(one, u), below), r)), keep_nan(b, hn::Mul(above, r))};
}

// derivatives of tanh(a) sigmoid(b) with respect to a and to b
HWY_INLINE Parts slopes_of(Parts p, Vec d) {
  const Vec one = set(1), ds = hn::Mul(d, p.opening);
  return {hn::Mul(ds, hn::NegMulAdd(p.value, p.value, one)), hn::Mul(hn::Mul(ds, p.value), hn::Sub(one, p.opening))};
}

// body(c, load, store): for each vector of the channels, the last one padded.
template <class Body>
HWY_INLINE void over_channels(I channels, Body body) {
  I c = 0;
  for (; c + lanes() <= channels; c += lanes()) {
    body(
        c, [](const float* x) { return load(x); }, [](Vec v, float* y) { store(v, y); });
  }
  const I rest = channels - c;
  if (rest > 0) {
    body(
        c, [rest](const float* x) { return load_part(x, rest); }, [rest](Vec v, float* y) { store_part(v, y, rest); });
  }
}

void Gate(const float* x, const float* offset, float* parts, float* y, I rows, I channels) {
  for (I row = 0; row < rows; ++row, x += 2 * channels, y += channels) {
    over_channels(channels, [&](I c, auto read, auto write) {
      Vec a = read(x + c), b = read(x + channels + c);
      if (offset != nullptr) {
        a = hn::Add(a, read(offset + c));
        b = hn::Add(b, read(offset + channels + c));
      }
      const Parts p = parts_of(a, b);
      if (parts != nullptr) {
        write(p.value, parts + c);
        write(p.opening, parts + channels + c);
      }
      write(hn::Mul(p.value, p.opening), y + c);
    });
    if (parts != nullptr) parts += 2 * channels;
  }
}

void GatePartsGradient(const float* parts, const float* d, float* diff_x, I rows, I channels) {
  for (I row = 0; row < rows; ++row, parts += 2 * channels, d += channels, diff_x += 2 * channels) {
    over_channels(channels, [&](I c, auto read, auto write) {
      const Parts slopes = slopes_of({read(parts + c), read(parts + channels + c)}, read(d + c));
      write(slopes.value, diff_x + c);
      write(slopes.opening, diff_x + channels + c);
    });
  }
}

void GateGradient(const float* x, const float* offset, const float* d, float* diff_x, I rows, I channels) {
  for (I row = 0; row < rows; ++row, x += 2 * channels, d += channels, diff_x += 2 * channels) {
    over_channels(channels, [&](I c, auto read, auto write) {
      Vec a = read(x + c), b = read(x + channels + c);
      if (offset != nullptr) {
        a = hn::Add(a, read(offset + c));
        b = hn::Add(b, read(offset + channels + c));
      }
      const Parts slopes = slopes_of(parts_of(a, b), read(d + c));
      write(slopes.value, diff_x + c);
      write(slopes.opening, diff_x + channels + c);
    });
  }
}

void GateProduct(const float* parts, float* y, I rows, I channels) {
  for (I row = 0; row < rows; ++row, parts += 2 * channels, y += channels) {
    over_channels(channels, [&](I c, auto read, auto write) {
      write(hn::Mul(read(parts + c), read(parts + channels + c)), y + c);
    });
  }
}

}  // namespace loom::math::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace loom::math {

using I = std::int64_t;
HWY_EXPORT(Gate);
HWY_EXPORT(GatePartsGradient);
HWY_EXPORT(GateGradient);
HWY_EXPORT(GateProduct);

void gate(const float* x, const float* offset, float* parts, float* y, I rows, I channels) {
  HWY_DYNAMIC_DISPATCH(Gate)(x, offset, parts, y, rows, channels);
}
void gate_product(const float* parts, float* y, I rows, I channels) {
  HWY_DYNAMIC_DISPATCH(GateProduct)(parts, y, rows, channels);
}
void gate_gradient(const float* x, const float* offset, const float* diff_y, float* diff_x, I rows, I channels) {
  HWY_DYNAMIC_DISPATCH(GateGradient)(x, offset, diff_y, diff_x, rows, channels);
}
void gate_gradient_from_parts(const float* parts, const float* diff_y, float* diff_x, I rows, I channels) {
  HWY_DYNAMIC_DISPATCH(GatePartsGradient)(parts, diff_y, diff_x, rows, channels);
}

}  // namespace loom::math
#endif
