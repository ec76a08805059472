// mu-law companding of sound (ITU-T G.711; van den Oord et al. 2016, WaveNet, section 2.2), with mu = classes - 1:
//   F(x) = sign(x) ln(1 + mu |x|) / ln(1 + mu),  x in [-1, 1]      code = floor((F(x) + 1) mu / 2 + 1/2), 0 ... mu
//   y    = 2 code / mu - 1                                            x = sign(y) ((1 + mu)^|y| - 1) / mu
// Every node and data set that uses mu-law companding uses this class, so a data set and a graph agree on every code.
//
// Thread safety: a MuLaw is an immutable value.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace loom {

class MuLaw {
 public:
  explicit MuLaw(std::int64_t classes = 256)  // >= 2
      : mu_(static_cast<float>(classes - 1)), log_(static_cast<float>(std::log(static_cast<double>(classes)))) {}

  // Samples outside [-1, 1] count as the nearer end; a NaN is not allowed.
  std::int32_t encode(float sample) const {
    const float x = std::clamp(sample, -1.0F, 1.0F);
    const float companded = std::copysign(std::log1p(mu_ * std::abs(x)) / log_, x);
    const auto code = static_cast<std::int32_t>((companded + 1) * (0.5F * mu_) + 0.5F);
    return std::min(code, static_cast<std::int32_t>(mu_));
  }

  // `code` must be one of 0 ... classes - 1.
  float decode(std::int32_t code) const {
    const float y = 2 * static_cast<float>(code) / mu_ - 1;
    return std::copysign(std::expm1(std::abs(y) * log_) / mu_, y);
  }

 private:
  float mu_, log_;
};

}  // namespace loom
