// bfloat16: the upper half of a float, 8 bits of precision with the range of a float. Values are rounded to the nearest, ties
// to even; NaN stays NaN.
//
// Thread safety: functions of their arguments; a Rounded is immutable.
#pragma once

#include <cstdint>

#include "dnnl/detail.h"

namespace loom::dnnl {

using Bf16 = std::uint16_t;

void round_to_bf16(const float* from, Bf16* to, std::int64_t count);

namespace detail {

// An operand of a primitive, rounded in scratch before the primitive runs.
class Rounded {
 public:
  explicit Rounded(std::int64_t count) : count_(count) {}
  std::size_t bytes() const { return aligned(static_cast<std::size_t>(count_) * sizeof(Bf16)); }
  const Bf16* of(const float* values, void* scratch) const {
    round_to_bf16(values, static_cast<Bf16*>(scratch), count_);
    return static_cast<const Bf16*>(scratch);
  }

 private:
  std::int64_t count_;
};

}  // namespace detail

}  // namespace loom::dnnl
