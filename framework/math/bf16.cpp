// bf16 and back (loom/math.h), and loops over it. The arithmetic is on the bits: the instructions that convert are not in
// every instruction set, and one of them flushes subnormal numbers.
#include "math/bf16.h"

#include <cstring>

#include "loom/math.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "math/bf16.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace loom::math::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Half = std::uint16_t;
using Wide = hn::ScalableTag<float>;
using Bits = hn::RebindToUnsigned<Wide>;
using Halves = hn::Rebind<Half, Wide>;
using Values = hn::Vec<Wide>;

constexpr std::uint32_t kQuietBit = 0x400000, kInfinity = 0x7F800000, kMagnitudeBits = 0x7FFFFFFF;

HWY_INLINE std::int64_t WideLanes() { return static_cast<std::int64_t>(hn::Lanes(Wide())); }

HWY_INLINE Values LoadHalves(const Half* from) {
  const Bits bits;
  return hn::BitCast(Wide(), hn::ShiftLeft<16>(hn::PromoteTo(bits, hn::LoadU(Halves(), from))));
}
HWY_INLINE float LoadHalf(const Half* from) {
  const std::uint32_t bits = static_cast<std::uint32_t>(*from) << 16;
  float value = 0;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

// In the upper half of each number; the lower one is of no meaning.
HWY_INLINE hn::Vec<Bits> Rounded(Values value) {
  const Bits d;
  const auto v = hn::BitCast(d, value);
  const auto odd = hn::And(hn::ShiftRight<16>(v), hn::Set(d, 1));
  const auto number = hn::Add(hn::Add(v, hn::Set(d, 0x7FFF)), odd);
  const auto is_nan = hn::RebindMask(d, hn::IsNaN(value));
  return hn::IfThenElse(is_nan, hn::Or(v, hn::Set(d, kQuietBit)), number);
}
HWY_INLINE void StoreHalves(Values value, Half* to) {
  hn::StoreU(hn::DemoteTo(Halves(), hn::BitCast(hn::RebindToSigned<Bits>(), hn::ShiftRight<16>(Rounded(value)))),
             Halves(), to);
}
// Two vectors at once: one permutation collects the upper halves, where narrowing each takes three operations.
HWY_INLINE void StoreHalves(Values low, Values high, Half* to) {
#if HWY_TARGET == HWY_SCALAR
  StoreHalves(low, to);
  StoreHalves(high, to + WideLanes());
#else
  const hn::ScalableTag<Half> d;
  hn::StoreU(hn::ConcatOdd(d, hn::BitCast(d, Rounded(high)), hn::BitCast(d, Rounded(low))), d, to);
#endif
}
HWY_INLINE void StoreHalf(float value, Half* to) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof(bits));
  const bool is_nan = (bits & kMagnitudeBits) > kInfinity;
  *to = static_cast<Half>((is_nan ? bits | kQuietBit : bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

// What is less than 0 becomes 0, and NaN stays: as in f32 (dnnl/vector_loops.cpp).
HWY_INLINE Values PositivePart(Values value) { return hn::IfThenZeroElse(hn::Lt(value, hn::Zero(Wide())), value); }
HWY_INLINE float PositivePart(float value) { return value < 0 ? 0.0F : value; }

// Stores values(i), a vector from i on, and value(i) for what fills none.
template <class Vectors, class Value>
HWY_INLINE void StoreAll(Half* to, std::int64_t count, const Vectors& values, const Value& value) {
  const std::int64_t lanes = WideLanes();
  std::int64_t i = 0;
  for (; i + 2 * lanes <= count; i += 2 * lanes) StoreHalves(values(i), values(i + lanes), to + i);
  for (; i + lanes <= count; i += lanes) StoreHalves(values(i), to + i);
  for (; i < count; ++i) StoreHalf(value(i), to + i);
}

void ToBf16(const float* from, Half* to, std::int64_t count) {
  StoreAll(
      to, count, [&](std::int64_t i) HWY_ATTR { return hn::LoadU(Wide(), from + i); },
      [&](std::int64_t i) { return from[i]; });
}

void ToF32(const Half* from, float* to, std::int64_t count) {
  const std::int64_t lanes = WideLanes();
  std::int64_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    const auto first = LoadHalves(from + i), second = LoadHalves(from + i + lanes);
    const auto third = LoadHalves(from + i + 2 * lanes), fourth = LoadHalves(from + i + 3 * lanes);
    hn::StoreU(first, Wide(), to + i);
    hn::StoreU(second, Wide(), to + i + lanes);
    hn::StoreU(third, Wide(), to + i + 2 * lanes);
    hn::StoreU(fourth, Wide(), to + i + 3 * lanes);
  }
  for (; i + lanes <= count; i += lanes) hn::StoreU(LoadHalves(from + i), Wide(), to + i);
  for (; i < count; ++i) to[i] = LoadHalf(from + i);
}

void ReluOfHalves(Half* y, std::int64_t count) {
  StoreAll(
      y, count, [&](std::int64_t i) HWY_ATTR { return PositivePart(LoadHalves(y + i)); },
      [&](std::int64_t i) { return PositivePart(LoadHalf(y + i)); });
}

void ReluMaskOfHalves(const Half* diff, const Half* y, Half* out, std::int64_t count) {
  StoreAll(
      out, count,
      [&](std::int64_t i)
          HWY_ATTR { return hn::IfThenElseZero(hn::Gt(LoadHalves(y + i), hn::Zero(Wide())), LoadHalves(diff + i)); },
      [&](std::int64_t i) { return LoadHalf(y + i) > 0 ? LoadHalf(diff + i) : 0.0F; });
}

void AddHalves(const Half* a, const Half* b, Half* y, std::int64_t count) {
  StoreAll(
      y, count, [&](std::int64_t i) HWY_ATTR { return hn::Add(LoadHalves(a + i), LoadHalves(b + i)); },
      [&](std::int64_t i) { return LoadHalf(a + i) + LoadHalf(b + i); });
}

void AddBiasToHalves(Half* y, const float* bias, std::int64_t rows, std::int64_t columns, bool relu) {
  for (std::int64_t r = 0; r < rows; ++r, y += columns) {
    StoreAll(
        y, columns,
        [&](std::int64_t c) HWY_ATTR {
          const auto value = hn::Add(LoadHalves(y + c), hn::LoadU(Wide(), bias + c));
          return relu ? PositivePart(value) : value;
        },
        [&](std::int64_t c) {
          const float value = LoadHalf(y + c) + bias[c];
          return relu ? PositivePart(value) : value;
        });
  }
}

// Two vectors of columns at a time, two rows in flight.
void AddColumnSumsOfHalves(const Half* x, std::int64_t rows, std::int64_t columns, float* sums) {
  const Wide d;
  const std::int64_t lanes = WideLanes();
  std::int64_t c = 0;
  for (; c + 2 * lanes <= columns; c += 2 * lanes) {
    auto s0 = hn::Zero(d), s1 = s0, t0 = s0, t1 = s0;
    const Half* row = x + c;
    std::int64_t r = 0;
    for (; r + 2 <= rows; r += 2, row += 2 * columns) {
      s0 = hn::Add(s0, LoadHalves(row));
      s1 = hn::Add(s1, LoadHalves(row + lanes));
      t0 = hn::Add(t0, LoadHalves(row + columns));
      t1 = hn::Add(t1, LoadHalves(row + columns + lanes));
    }
    if (r < rows) {
      s0 = hn::Add(s0, LoadHalves(row));
      s1 = hn::Add(s1, LoadHalves(row + lanes));
    }
    hn::StoreU(hn::Add(hn::LoadU(d, sums + c), hn::Add(s0, t0)), d, sums + c);
    hn::StoreU(hn::Add(hn::LoadU(d, sums + c + lanes), hn::Add(s1, t1)), d, sums + c + lanes);
  }
  for (; c < columns; ++c) {
    float total = 0;
    for (std::int64_t r = 0; r < rows; ++r) total += LoadHalf(x + r * columns + c);
    sums[c] += total;
  }
}

}  // namespace loom::math::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace loom::math {
namespace {

std::uint16_t* bits_of(BFloat16* values) { return reinterpret_cast<std::uint16_t*>(values); }
const std::uint16_t* bits_of(const BFloat16* values) { return reinterpret_cast<const std::uint16_t*>(values); }

}  // namespace

HWY_EXPORT(ToBf16);
HWY_EXPORT(ToF32);
HWY_EXPORT(ReluOfHalves);
HWY_EXPORT(ReluMaskOfHalves);
HWY_EXPORT(AddHalves);
HWY_EXPORT(AddBiasToHalves);
HWY_EXPORT(AddColumnSumsOfHalves);

void to_bf16(const float* x, BFloat16* y, std::int64_t n) { HWY_DYNAMIC_DISPATCH(ToBf16)(x, bits_of(y), n); }
void to_f32(const BFloat16* x, float* y, std::int64_t n) { HWY_DYNAMIC_DISPATCH(ToF32)(bits_of(x), y, n); }

void relu(BFloat16* y, std::int64_t n) { HWY_DYNAMIC_DISPATCH(ReluOfHalves)(bits_of(y), n); }
void relu_mask(const BFloat16* diff, const BFloat16* y, BFloat16* out, std::int64_t n) {
  HWY_DYNAMIC_DISPATCH(ReluMaskOfHalves)(bits_of(diff), bits_of(y), bits_of(out), n);
}
void add(const BFloat16* a, const BFloat16* b, BFloat16* y, std::int64_t n) {
  HWY_DYNAMIC_DISPATCH(AddHalves)(bits_of(a), bits_of(b), bits_of(y), n);
}
void add_bias(BFloat16* y, const float* bias, std::int64_t rows, std::int64_t columns, bool relu_too) {
  if (bias != nullptr) {
    HWY_DYNAMIC_DISPATCH(AddBiasToHalves)(bits_of(y), bias, rows, columns, relu_too);
  } else if (relu_too) {
    relu(y, rows * columns);
  }
}
void add_column_sums(const BFloat16* x, std::int64_t rows, std::int64_t columns, float* sums) {
  HWY_DYNAMIC_DISPATCH(AddColumnSumsOfHalves)(bits_of(x), rows, columns, sums);
}

}  // namespace loom::math
#endif  // HWY_ONCE
