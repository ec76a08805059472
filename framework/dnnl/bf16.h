// Operands in bf16 (loom::BFloat16): as they are stored, or rounded in scratch right before a primitive reads them.
//
// Thread safety: functions of their arguments; an Operand is immutable.
#pragma once

#include <cstdint>

#include "dnnl/detail.h"
#include "dnnl/vector_loops.h"
#include "loom/math.h"
#include "math/bf16.h"

namespace loom::dnnl {

using Bf16 = BFloat16;

namespace detail {

inline std::size_t bf16_bytes(std::int64_t count) { return aligned(static_cast<std::size_t>(count) * sizeof(Bf16)); }

// Where value `first` is, of values that are bf16 or f32.
inline const void* at_value(const void* values, std::int64_t first, bool is_bf16) {
  return static_cast<const std::byte*>(values) +
         first * static_cast<std::int64_t>(is_bf16 ? sizeof(Bf16) : sizeof(float));
}
inline void* at_value(void* values, std::int64_t first, bool is_bf16) {
  return const_cast<void*>(at_value(static_cast<const void*>(values), first, is_bf16));
}

// add_bias (vector_loops.h) of values of either type.
inline void apply_bias(void* y, bool is_bf16, const float* bias, std::int64_t rows, std::int64_t columns, bool relu) {
  if (is_bf16)
    math::add_bias(static_cast<Bf16*>(y), bias, rows, columns, relu);
  else if (bias == nullptr && relu)
    dnnl::relu(static_cast<float*>(y), rows * columns);
  else
    add_bias(static_cast<float*>(y), bias, rows, columns, relu);
}

class Operand {
 public:
  // At most `count` values at a time.
  explicit Operand(std::int64_t count = 0, bool is_bf16 = false) : count_(count), is_bf16_(is_bf16) {}
  std::size_t bytes() const { return is_bf16_ ? 0 : bf16_bytes(count_); }
  // `count` values from `first` on.
  const void* of(const void* values, std::int64_t first, std::int64_t count, void* scratch) const {
    const void* part = at_value(values, first, is_bf16_);
    if (is_bf16_) return part;
    math::to_bf16(static_cast<const float*>(part), static_cast<Bf16*>(scratch), count);
    return scratch;
  }
  const void* of(const void* values, void* scratch) const { return of(values, 0, count_, scratch); }

 private:
  std::int64_t count_;
  bool is_bf16_;
};

}  // namespace detail

}  // namespace loom::dnnl
