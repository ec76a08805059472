// The vectors of codes: y [N, ...E, dim] = codebook[codes], codes [N, ...E] from 0 to codes - 1. With `weights: <a
// quantizer>` these are the vectors of that quantizer, whether it learns them by a loss or by moving averages. Its
// `distance` must be the same, since with cosine a code means its l2-normalised vector.
#include <algorithm>

#include "loom/math.h"
#include "loom/node.h"
#include "nn/code_range.h"
#include "quantizer/unit_vector.h"

namespace {

using namespace loom::nodes;
namespace math = loom::math;

class CodebookLookup final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("The codebook's vectors of codes");
    c.input("codes", "[N, ...E]", "codes from 0 to codes - 1")
        .dtype(loom::DType::i32)
        .no_gradient()
        .codes_below("codes");
    c.output("y", "[N, ...E, dim]", "their vectors");
    c.option("codes", loom::required, loom::integer().at_least(1), "number of codes");
    c.option("dim", loom::required, loom::integer().at_least(1), "extent of a vector");
    c.option("distance", "euclidean", loom::text({"euclidean", "cosine"}), "cosine: the vectors are l2-normalised");
    c.parameter("codebook", "[codes, dim]", loom::uniform_over_rows(), "the codes' vectors");
    c.pointwise();
    c.backward_reads({"codes"});
  }
  explicit CodebookLookup(const loom::Options& o)
      : codes_(o.integer("codes")), dim_(o.integer("dim")), unit_(o.text("distance") == "cosine") {}

  void prepare(const loom::Prepare& p) override {
    if (!unit_) return;
    units_ = p.packed<float>(codes_ * dim_);
    reciprocals_ = p.packed<float>(codes_);
  }
  void pack(const loom::Pack& p) const override {
    if (!unit_) return;
    float *units = units_(p).data(), *reciprocals = reciprocals_(p).data();
    const float* codebook = p.parameter("codebook").data();
    for (std::int64_t k = 0; k < codes_; ++k) reciprocals[k] = normalise(codebook + k * dim_, units + k * dim_, dim_);
  }

  void forward(const loom::Forward& f) const override {
    const float* vectors = unit_ ? units_(f).data() : f.parameter("codebook").data();
    float* y = f.output(0).data();
    for (const std::int32_t code : checked_codes(f, 0, codes_)) {
      std::copy_n(vectors + code * dim_, dim_, y);
      y += dim_;
    }
  }

  void backward(const loom::Backward& b) const override {
    if (!b.wants_parameter_diff("codebook")) return;
    const float* diff_y = b.diff_output(0).data();
    float* diff = b.diff_parameter("codebook").data();
    for (const std::int32_t code : b.input(0).values<std::int32_t>()) {
      float* row = diff + code * dim_;
      if (unit_)
        add_normalise_gradient(units_(b).data() + code * dim_, reciprocals_(b).data()[code], diff_y, row, dim_);
      else
        math::add(row, diff_y, row, dim_);
      diff_y += dim_;
    }
  }

 private:
  std::int64_t codes_, dim_;
  bool unit_;
  loom::PackedSlot<float> units_, reciprocals_;  // e / |e| and 1 / |e| of each code
};
LOOM_NODE(CodebookLookup, "codebook_lookup")

}  // namespace
