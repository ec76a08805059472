// Finite scalar quantization: each channel is bounded and rounded to one of a few levels. There is no codebook to
// learn, so there is no commitment loss and there are no dead codes.
//   h = (L - 1) (1 - 0.001) / 2,  o = 0 for odd L and 1/2 for even L
//   bounded   = h tanh(x + atanh(o / h)) - o        between the lowest and the highest level; 0 at x = 0
//   quantized = round(bounded) / floor(L / 2)       x, quantized [N, ...E, D], one L for each of the D channels
//   of L = 2:  bounded = h tanh(x) - 1/2,  quantized = 2 round(bounded) + 1, the sign of x
//   codes     = the levels as the digits of a number, [N, ...E] i32 (levels.h)
// The gradient goes straight through the rounding: diff x = diff quantized (dbounded / dx) / floor(L / 2).
// Positions that `mask` leaves out are quantized and not counted. The metrics of codebooks read the states perplexity and unused_for.
// Mentzer et al. 2023, Finite Scalar Quantization: VQ-VAE Made Simple, section 3.1, and the code of appendix A.1, which
// has tan(o / h); here it is atanh(o / h), which maps 0 to 0.
#include <fmt/format.h>
#include "loom/node.h"

#include <algorithm>
#include <cmath>

#include "loom/error.h"
#include "loom/math.h"
#include "quantizer/finite_scalar_levels.h"

namespace {

using finite_scalar::Levels;

class FiniteScalarQuantizer final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Vectors rounded to a grid: a quantizer without a codebook");
    c.source("Mentzer et al. 2023, Finite Scalar Quantization: VQ-VAE Made Simple, section 3.1");
    c.role(loom::Role::quantizer);
    c.input("x", "[N, ...E, D]", "one channel per entry of levels");
    loom::Weighting::declare_mask(c);
    c.output("quantized", "[N, ...E, D]", "the levels, in [-1, 1]").straight_through();
    c.output("codes", "[N, ...E]", "0 to the product of levels - 1").dtype(loom::DType::i32).no_gradient();
    finite_scalar::declare_levels(c);
    c.option("round", true, loom::flag(), "false: the bounded values without rounding, whose gradient is exact");
    c.state("perplexity", "[1]", loom::zeros(),
            "perplexity of the codes of the last batch: exp of the entropy of their histogram")
        .own();
    c.state("unused_for", "[K]", loom::zeros(), "batches since a code was last used").own();
    c.tally("counts", "[K]", "vectors of each code");
    c.looked_up_by({.type = "finite_scalar_values", .inputs = {{"codes", "codes"}}, .same_options = {"levels"}});
    c.pointwise();
    c.backward_reads({"x"});
  }
  static void infer(loom::ShapeInference& s) {
    const std::int64_t channels = Levels(s.options()).channels();
    if (s.extent("D") != channels)
      s.fail("x does not have one channel per entry of levels", s.input("x").text(),
             fmt::format("{} channels", channels), 0);
    finite_scalar::bind_codes(s);
    loom::Weighting::infer(s, "x", loom::Weighting::Over::positions);
  }

  explicit FiniteScalarQuantizer(const loom::Options& o) : levels_(o), rounds_(o.flag("round")) {
    for (std::int64_t d = 0; d < levels_.channels(); ++d) {
      const double half = static_cast<double>(levels_.count(d) - 1) * (1 - 1e-3) / 2;
      const double offset = levels_.count(d) % 2 == 0 ? 0.5 : 0;
      const bool two = levels_.count(d) == 2;
      const auto centre = static_cast<double>(levels_.count(d) / 2);
      bounds_.push_back({.half = half,
                         .offset = offset,
                         .shift = two ? 0 : std::atanh(offset / half),
                         .centre = centre,
                         .middle = two ? 0.5 : 0,
                         .unit = two ? 0.5 : centre});
    }
  }

  void prepare(const loom::Prepare& p) override { weighting_.prepare(p, "x", loom::Weighting::Over::positions); }

  void forward(const loom::Forward& f) const override {
    const auto x = f.input("x"), quantized = f.output("quantized");
    std::int32_t* codes = f.output("codes").data<std::int32_t>();
    const std::int64_t channels = levels_.channels(), vectors = x.count() / channels;
    const std::int64_t positions = vectors / std::max<std::int64_t>(f.rows, 1);
    float* counts = f.training ? f.tally("counts").data() : nullptr;
    std::span<const float> mask;
    for (std::int64_t v = 0; v < vectors; ++v) {
      if (counts != nullptr && v % positions == 0) mask = weighting_.row(f, v / positions);
      std::int64_t code = 0, place = 1;
      for (std::int64_t d = 0; d < channels; ++d) {
        const Bound& bound = bounds_[static_cast<std::size_t>(d)];
        const double value = bound.half * std::tanh(x.data()[v * channels + d] + bound.shift) - bound.offset;
        if (std::isnan(value)) throw_not_a_number(f.first_row + v / positions);
        const auto level = std::lrint(value + bound.centre);
        code += place * level;
        place *= levels_.count(d);
        quantized.data()[v * channels + d] =
            rounds_ ? levels_.value(d, level) : static_cast<float>((value + bound.middle) / bound.unit);
      }
      codes[v] = static_cast<std::int32_t>(code);
      if (counts != nullptr) counts[code] += mask.empty() ? 1 : mask[static_cast<std::size_t>(v % positions)];
    }
  }

  void backward(const loom::Backward& b) const override {
    if (!b.wants_diff("x")) return;
    const auto x = b.input("x").values(), above = b.diff_output("quantized").values();
    for (std::size_t i = 0; i < x.size(); ++i) {
      const Bound& bound = bounds_[i % bounds_.size()];
      const double t = std::tanh(x[i] + bound.shift);
      b.diff_input("x").values()[i] = static_cast<float>(above[i] * bound.half * (1 - t * t) / bound.unit);
    }
  }

  void end_step(const loom::EndStep& e) const override {
    const auto counts = e.tally("counts").values(), unused_for = e.state("unused_for").values();
    const double total = loom::math::sum(counts.data(), e.tally("counts").count());
    if (!(total > 0)) return;
    double entropy = 0;
    for (std::size_t k = 0; k < counts.size(); ++k) {
      const double share = static_cast<double>(counts[k]) / total;
      if (share > 0) entropy -= share * std::log(share);
      unused_for[k] = share > 0 ? 0 : unused_for[k] + 1;
    }
    e.state("perplexity").values()[0] = static_cast<float>(std::exp(entropy));
  }

 private:
  struct Bound {
    double half, offset, shift;
    double centre;        // floor(L / 2): the level that represents 0, or the upper one of two
    double middle, unit;  // a level stands for (level - centre + middle) / unit
  };
  [[noreturn]] static void throw_not_a_number(std::int64_t sample) {
    throw loom::Error(loom::ErrorCode::not_finite, fmt::format("a value of sample {} is not a number", sample),
                      "the weights that it comes from may have diverged in training");
  }

  Levels levels_;
  bool rounds_;
  loom::Weighting weighting_;
  std::vector<Bound> bounds_;
};

}  // namespace

LOOM_NODE(FiniteScalarQuantizer, "finite_scalar_quantizer")
