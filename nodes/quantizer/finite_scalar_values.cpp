// The vectors of finite scalar codes: the inverse of finite_scalar_quantizer's `codes`, with the same levels.
//   y [N, ...E, D] = the levels that are the digits of codes [N, ...E], each in [-1, 1] (levels.h)
// Mentzer et al. 2023, Finite Scalar Quantization: VQ-VAE Made Simple, appendix A.1.
#include <fmt/format.h>
#include "loom/node.h"

#include "loom/error.h"
#include "quantizer/finite_scalar_levels.h"

namespace {

using finite_scalar::Levels;

class FiniteScalarValues final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("The vectors of finite scalar codes");
    c.source("Mentzer et al. 2023, Finite Scalar Quantization: VQ-VAE Made Simple, appendix A.1");
    c.input("codes", "[N, ...E]", "0 to the product of levels - 1").dtype(loom::DType::i32).no_gradient();
    c.output("y", "[N, ...E, D]", "the levels, in [-1, 1]").no_gradient();
    finite_scalar::declare_levels(c);
    c.pointwise();
    c.backward_reads({});
  }
  static void infer(loom::ShapeInference& s) {
    s.bind("D", Levels(s.options()).channels());
    finite_scalar::bind_codes(s);
  }
  explicit FiniteScalarValues(const loom::Options& o) : levels_(o) {}

  void forward(const loom::Forward& f) const override {
    const std::int32_t* codes = f.input("codes").data<std::int32_t>();
    const auto all = static_cast<std::int64_t>(levels_.codes());
    float* y = f.output("y").data();
    for (std::int64_t v = 0; v < f.input("codes").count(); ++v) {
      std::int64_t code = codes[v];
      if (code < 0 || code >= all) throw_code(code, all);
      for (std::int64_t d = 0; d < levels_.channels(); ++d, code /= levels_.count(d - 1))
        *y++ = levels_.value(d, code % levels_.count(d));
    }
  }
  void backward(const loom::Backward&) const override {}  // no gradient

 private:
  [[noreturn]] static void throw_code(std::int64_t code, std::int64_t all) {
    throw loom::Error(loom::ErrorCode::out_of_range,
                      fmt::format("there is no code {}: the codes are 0 to {}", code, all - 1));
  }
  Levels levels_;
};

}  // namespace

LOOM_NODE(FiniteScalarValues, "finite_scalar_values")
