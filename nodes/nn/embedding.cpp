// A learned vector for each code: y [N, ...E, dim] = weight[x], x [N, ...E] of codes 0 to count - 1.
#include <algorithm>

#include "loom/math.h"
#include "loom/node.h"
#include "nn/code_range.h"

namespace {

class Embedding final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("A learned vector for each code");
    c.input("x", "[N, ...E]", "codes from 0 to count - 1").dtype(loom::DType::i32).no_gradient().codes_below("count");
    c.output("y", "[N, ...E, dim]", "their vectors");
    c.option("count", loom::required, loom::integer().at_least(1), "number of codes");
    c.option("dim", loom::required, loom::integer().at_least(1), "extent of a vector");
    c.parameter("weight", "[count, dim]", loom::normal_values(0, 1), "the vectors");
    c.pointwise();
    c.backward_reads({"x"});
  }
  explicit Embedding(const loom::Options& options) : count_(options.integer("count")), dim_(options.integer("dim")) {}

  void forward(const loom::Forward& f) const override {
    const float* weight = f.parameter("weight").data();
    float* y = f.output(0).data();
    for (const std::int32_t code : loom::nodes::checked_codes(f, 0, count_)) {
      std::copy_n(weight + code * dim_, dim_, y);
      y += dim_;
    }
  }

  void backward(const loom::Backward& b) const override {
    if (!b.wants_parameter_diff("weight")) return;
    const float* diff_y = b.diff_output(0).data();
    float* diff_weight = b.diff_parameter("weight").data();
    for (std::int32_t code : b.input(0).values<std::int32_t>()) {
      loom::math::add(diff_weight + code * dim_, diff_y, diff_weight + code * dim_, dim_);
      diff_y += dim_;
    }
  }

 private:
  std::int64_t count_, dim_;
};
LOOM_NODE(Embedding, "embedding")

}  // namespace
