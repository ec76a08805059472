// A codebook that is a grid: channel d takes one of L_d levels, evenly spaced in [-1, 1], and a code is the number that
// the levels are the digits of, the first channel least.
//   level l of L >= 3 stands for (l - floor(L / 2)) / floor(L / 2): odd L is symmetric, even L has no level at 1
//   the two levels of L = 2 stand for -1 and 1
// Mentzer et al. 2023, Finite Scalar Quantization: VQ-VAE Made Simple, section 3.1 and appendix A.1.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "loom/contract.h"
#include "loom/options.h"
#include "loom/shape_inference.h"

namespace finite_scalar {

inline constexpr double kMostCodes = 1 << 24;

inline void declare_levels(loom::Contract& c) {
  c.option("levels", loom::required, loom::integer_list().at_least(2),
           "levels of each channel; their product is the number of codes");
}

class Levels {
 public:
  explicit Levels(const loom::Options& o) : counts_(o.integers("levels")) {}

  std::int64_t channels() const { return static_cast<std::int64_t>(counts_.size()); }
  std::int64_t count(std::int64_t d) const { return counts_[static_cast<std::size_t>(d)]; }
  double codes() const {  // as a number, since the product may be out of the range of integers
    double product = 1;
    for (const std::int64_t count : counts_) product *= static_cast<double>(count);
    return product;
  }
  float value(std::int64_t d, std::int64_t level) const {
    if (count(d) == 2) return level == 0 ? -1.0F : 1.0F;
    const std::int64_t half = count(d) / 2;
    return static_cast<float>(level - half) / static_cast<float>(half);
  }

 private:
  std::vector<std::int64_t> counts_;
};

// Binds K to the number of codes; says so where there are too many.
inline void bind_codes(loom::ShapeInference& s) {
  const double codes = Levels(s.options()).codes();
  if (codes > kMostCodes) s.fail("there are too many codes", fmt::format("{}", codes), "at most 16777216");
  s.bind("K", static_cast<std::int64_t>(std::min(codes, kMostCodes)));
}

}  // namespace finite_scalar
