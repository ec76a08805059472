// Pixels as categories: the level of each value in [0, 1].
//   codes = min(levels - 1, floor(levels x));   x [N, ...E] in [0, 1]; codes [N, ...E] i32 of 0 to levels - 1
// With 256 levels, the pixels of 8-bit images are preserved exactly.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "loom/error.h"
#include "loom/node.h"

namespace {

class LevelsEncode final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Values in [0, 1] as one of equally wide levels");
    c.source("van den Oord et al. 2016, Pixel Recurrent Neural Networks, section 3.4");
    c.input("x", "[N, ...E]", "values in [0, 1]; values outside count as the nearer end").no_gradient();
    c.output("codes", "[N, ...E]", "0 to levels - 1").dtype(loom::DType::i32).no_gradient();
    c.option("levels", 256, loom::integer().at_least(2).at_most(65536), "number of levels");
    c.pointwise();
    c.backward_reads({});
  }
  explicit LevelsEncode(const loom::Options& options) : levels_(options.integer("levels")) {}

  void forward(const loom::Forward& f) const override {
    const loom::TensorView x = f.input(0), codes = f.output(0);
    const auto levels = static_cast<float>(levels_);
    for (std::int64_t n = 0; n < f.rows; ++n) {
      std::int32_t* code = codes.data<std::int32_t>() + n * codes.per_sample();
      for (const float value : x[n]) {
        if (std::isnan(value)) {
          throw loom::Error(loom::ErrorCode::not_finite,
                            fmt::format("a value of sample {} is not a number", f.first_row + n));
        }
        *code++ = static_cast<std::int32_t>(std::clamp(std::floor(value * levels), 0.0F, levels - 1));
      }
    }
  }
  void backward(const loom::Backward&) const override {}  // no gradient

 private:
  std::int64_t levels_;
};
LOOM_NODE(LevelsEncode, "levels_encode")

}  // namespace
