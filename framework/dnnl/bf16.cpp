#include "dnnl/bf16.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "dnnl/bf16.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace loom::dnnl::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr std::uint32_t kQuiet = 0x400000, kExponent = 0x7F800000, kMagnitude = 0x7FFFFFFF;

inline std::uint32_t rounded(std::uint32_t bits) {
  if ((bits & kMagnitude) > kExponent) return (bits | kQuiet) >> 16;
  return (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
}

void RoundToBf16(const float* from, Bf16* to, std::int64_t count) {
  const hn::ScalableTag<std::uint32_t> d;
  const hn::Rebind<std::uint16_t, decltype(d)> half;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto* bits = reinterpret_cast<const std::uint32_t*>(from);
  const auto magnitude = hn::Set(d, kMagnitude), exponent = hn::Set(d, kExponent), quiet = hn::Set(d, kQuiet);
  const auto bias = hn::Set(d, 0x7FFF), one = hn::Set(d, 1);
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto v = hn::LoadU(d, bits + i);
    const auto number = hn::Add(hn::Add(v, bias), hn::And(hn::ShiftRight<16>(v), one));
    const auto is_nan = hn::Gt(hn::And(v, magnitude), exponent);
    const auto result = hn::ShiftRight<16>(hn::IfThenElse(is_nan, hn::Or(v, quiet), number));
    hn::StoreU(hn::DemoteTo(half, hn::BitCast(hn::RebindToSigned<decltype(d)>(), result)), half, to + i);
  }
  for (; i < count; ++i) to[i] = static_cast<Bf16>(rounded(bits[i]));
}

}  // namespace loom::dnnl::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace loom::dnnl {

HWY_EXPORT(RoundToBf16);

void round_to_bf16(const float* from, Bf16* to, std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(RoundToBf16)(from, to, count);
}

}  // namespace loom::dnnl
#endif
