// The mu-law code of each sample of a waveform (math/mu_law.h has the formula).
//   codes = floor((F(x) + 1) mu / 2 + 1/2),  F(x) = sign(x) ln(1 + mu |x|) / ln(1 + mu),  mu = classes - 1
//   x [N, ...E] in [-1, 1]; codes [N, ...E] i32 of 0 to classes - 1
#include <fmt/format.h>

#include <cmath>

#include "loom/error.h"
#include "loom/node.h"
#include "math/mu_law.h"

namespace {

class MuLawEncode final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("mu-law codes of a waveform");
    c.source("ITU-T G.711; van den Oord et al. 2016, WaveNet, section 2.2");
    c.input("x", "[N, ...E]", "waveform in [-1, 1]; values outside count as the nearer end").no_gradient();
    c.output("codes", "[N, ...E]", "0 to classes - 1, from -1 to 1").dtype(loom::DType::i32).no_gradient();
    c.option("classes", 256, loom::integer().at_least(2).at_most(65536), "number of codes");
    c.pointwise();
    c.backward_reads({});
  }
  explicit MuLawEncode(const loom::Options& options) : law_(options.integer("classes")) {}

  void forward(const loom::Forward& f) const override {
    const loom::TensorView x = f.input(0), codes = f.output(0);
    for (std::int64_t n = 0; n < f.rows; ++n) {
      std::int32_t* code = codes.data<std::int32_t>() + n * codes.per_sample();
      for (const float sample : x[n]) {
        if (std::isnan(sample)) {
          throw loom::Error(loom::ErrorCode::not_finite,
                            fmt::format("the waveform of sample {} is not a number at one position", f.first_row + n));
        }
        *code++ = law_.encode(sample);
      }
    }
  }
  void backward(const loom::Backward&) const override {}  // no gradient

 private:
  loom::MuLaw law_;
};
LOOM_NODE(MuLawEncode, "mu_law_encode")

}  // namespace
