// The waveform of mu-law codes (math/mu_law.h has the formula): the centre of the interval of each code.
//   y = sign(u) ((1 + mu)^|u| - 1) / mu,  u = 2 codes / mu - 1,  mu = classes - 1
//   codes [N, ...E] i32 of 0 to classes - 1; y [N, ...E] in [-1, 1]
#include <fmt/format.h>

#include "loom/error.h"
#include "loom/node.h"
#include "math/mu_law.h"

namespace {

class MuLawDecode final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("The waveform of mu-law codes");
    c.source("ITU-T G.711; van den Oord et al. 2016, WaveNet, section 2.2");
    c.input("codes", "[N, ...E]", "0 to classes - 1").dtype(loom::DType::i32).no_gradient().codes_below("classes");
    c.output("y", "[N, ...E]", "waveform in [-1, 1]").no_gradient();
    c.option("classes", 256, loom::integer().at_least(2).at_most(65536), "number of codes");
    c.pointwise();
    c.backward_reads({});
  }
  explicit MuLawDecode(const loom::Options& options) : classes_(options.integer("classes")) {
    const loom::MuLaw law(classes_);
    for (std::int32_t code = 0; code < classes_; ++code) samples_.push_back(law.decode(code));
  }

  void forward(const loom::Forward& f) const override {
    float* y = f.output(0).data();
    for (const std::int32_t code : f.input(0).values<std::int32_t>()) {
      if (code < 0 || code >= classes_) throw_code(f, y - f.output(0).data(), code);
      *y++ = samples_[static_cast<std::size_t>(code)];
    }
  }
  void backward(const loom::Backward&) const override {}  // no gradient

 private:
  [[noreturn]] void throw_code(const loom::Forward& f, std::int64_t element, std::int32_t code) const {
    throw loom::Error(loom::ErrorCode::out_of_range,
                      fmt::format("sample {} has the code {}, but the mu-law codes here are 0 to {}",
                                  f.first_row + element / f.output(0).per_sample(), code, classes_ - 1),
                      "set `classes` to the number of levels that the data has");
  }

  std::int64_t classes_;
  std::vector<float> samples_;  // one per code
};
LOOM_NODE(MuLawDecode, "mu_law_decode")

}  // namespace
