// Private to framework/dnnl: four by four floats, transposed in registers.
#pragma once

#include <cstdint>
#include <cstring>

namespace loom::dnnl::detail {

// Baseline instructions suffice: the callers are limited by memory bandwidth.
typedef float Four __attribute__((vector_size(16)));

inline Four load_four(const float* from) {
  Four four;
  std::memcpy(&four, from, sizeof(four));
  return four;
}

inline void store_four(const Four& four, float* to) { std::memcpy(to, &four, sizeof(four)); }

// *to = or += four.
template <bool overwrites>
void give_four(const Four& four, float* to) {
  store_four(overwrites ? four : load_four(to) + four, to);
}

inline void transpose_fours(Four& a, Four& b, Four& c, Four& d) {
  const Four low_ac = __builtin_shufflevector(a, c, 0, 4, 1, 5), low_bd = __builtin_shufflevector(b, d, 0, 4, 1, 5);
  const Four high_ac = __builtin_shufflevector(a, c, 2, 6, 3, 7), high_bd = __builtin_shufflevector(b, d, 2, 6, 3, 7);
  a = __builtin_shufflevector(low_ac, low_bd, 0, 4, 1, 5), b = __builtin_shufflevector(low_ac, low_bd, 2, 6, 3, 7);
  c = __builtin_shufflevector(high_ac, high_bd, 0, 4, 1, 5);
  d = __builtin_shufflevector(high_ac, high_bd, 2, 6, 3, 7);
}

}  // namespace loom::dnnl::detail
