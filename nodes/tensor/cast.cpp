// Numbers as integers, and integers as numbers.
//   to i32: towards zero, as in NumPy; a value that no 32-bit integer holds is an error. Codes have no gradient.
//   to f32: exact up to 2^24
#include <fmt/format.h>

#include <cmath>

#include "loom/error.h"
#include "loom/node.h"

namespace {

class Cast final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Numbers as integers (codes), or integers as numbers");
    c.input("x", "[N, ...E]", "values of any type").or_codes();
    c.output("y", "[N, ...E]", "the same values; as integers without their fractions").dtype_from("to");
    c.option("to", loom::required, loom::text({"f32", "i32"}), "the type: f32, numbers, or i32, integers");
    c.pointwise();
    c.backward_reads({});
  }
  explicit Cast(const loom::Options& o) : integers_(o.text("to") == "i32") {}

  void forward(const loom::Forward& f) const override {
    const loom::TensorView x = f.input(0), y = f.output(0);
    const bool from_integers = x.dtype() == loom::DType::i32;
    if (from_integers && integers_)
      std::ranges::copy(x.values<std::int32_t>(), y.data<std::int32_t>());
    else if (from_integers)
      std::ranges::transform(x.values<std::int32_t>(), y.data(), [](std::int32_t v) { return static_cast<float>(v); });
    else if (!integers_)
      std::ranges::copy(x.values(), y.data());
    else
      to_integers(f);
  }

  void backward(const loom::Backward& b) const override {
    if (!b.wants_diff(0)) return;
    if (integers_)
      std::ranges::fill(b.diff_input(0).values(), 0.0F);
    else
      std::ranges::copy(b.diff_output(0).values(), b.diff_input(0).data());
  }

 private:
  static void to_integers(const loom::Forward& f) {
    const loom::TensorView x = f.input(0);
    auto* y = f.output(0).data<std::int32_t>();
    for (std::int64_t i = 0; i < x.count(); ++i) {
      const float value = x.data()[i];
      if (std::isnan(value)) f.fail_not_finite("x", i / x.per_sample());
      if (value < -0x1p31F || value >= 0x1p31F) {
        throw loom::Error(loom::ErrorCode::out_of_range,
                          fmt::format("sample {} has the value {}, which no 32-bit integer holds",
                                      f.first_sample + i * f.samples / x.count(), value));
      }
      y[i] = static_cast<std::int32_t>(value);
    }
  }

  bool integers_;
};
LOOM_NODE(Cast, "cast")

}  // namespace
