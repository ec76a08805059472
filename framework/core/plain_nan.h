// Numbers as text.
//
// Thread safety: a function of its argument. Errors: none.
#pragma once

#include <cmath>
#include <limits>

namespace loom {

// The number, and for a NaN one without a sign: that which a processor makes of 0 / 0 is printed as -nan.
inline double plain_nan(double number) {
  return std::isnan(number) ? std::numeric_limits<double>::quiet_NaN() : number;
}

}  // namespace loom
