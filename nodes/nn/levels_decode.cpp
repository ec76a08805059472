// Categories as pixels: the value in [0, 1] of each level.
//   y = codes / (levels - 1);   codes [N, ...E] i32 of 0 to levels - 1; y [N, ...E] in [0, 1]
#include <fmt/format.h>

#include "loom/error.h"
#include "loom/node.h"

namespace {

class LevelsDecode final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("The values in [0, 1] of levels");
    c.source("van den Oord et al. 2016, Pixel Recurrent Neural Networks, section 3.4");
    c.input("codes", "[N, ...E]", "0 to levels - 1").dtype(loom::DType::i32).no_gradient().codes_below("levels");
    c.output("y", "[N, ...E]", "values in [0, 1]").no_gradient();
    c.option("levels", 256, loom::integer().at_least(2).at_most(65536), "number of levels");
    c.pointwise();
    c.backward_reads({});
  }
  explicit LevelsDecode(const loom::Options& options) : levels_(options.integer("levels")) {}

  void forward(const loom::Forward& f) const override {
    float* y = f.output(0).data();
    for (const std::int32_t code : f.input(0).values<std::int32_t>()) {
      if (code < 0 || code >= levels_) {
        throw loom::Error(loom::ErrorCode::out_of_range,
                          fmt::format("there is a code {}, but the levels are 0 to {}", code, levels_ - 1));
      }
      *y++ = static_cast<float>(code) / static_cast<float>(levels_ - 1);
    }
  }
  void backward(const loom::Backward&) const override {}  // no gradient

 private:
  std::int64_t levels_;
};
LOOM_NODE(LevelsDecode, "levels_decode")

}  // namespace
