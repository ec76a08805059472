// Vector quantization: each vector of x [N, ...E, D] becomes the nearest of K learned ones.
//   codes = argmin_k |x - e_k|^2,   quantized = e_codes
//   codebook_loss   = mean over the positions E of |sg[x] - e|^2     (sg: no gradient goes through)
//   commitment_loss = mean over the positions E of |x - sg[e]|^2
//   loss [N] = commitment commitment_loss, and with update: loss + codebook_loss;  |.|^2 is summed over D
// A mask leaves positions out: the means are over those that are there (0 of a sample without any), and the others count
// neither for the averages, the candidates, unused_for nor the perplexity. They are still quantized; one that is not
// finite gets code 0. A vector that counts has to be finite: a code could not tell that it is not.
// van den Oord et al. 2017, Neural Discrete Representation Learning, equation 3. With update: ema the codebook is not a
// parameter but follows the vectors' means: see codebook_care.h, also for initialisation and restart.
//
// distance: cosine is this node between l2 normalisations (Yu et al. 2022, Vector-quantized Image Modeling with
// Improved VQGAN): with x' = x / |x| and e' = e / |e| it finds argmin |x' - e'|^2, quantized is e', the losses are of
// x' and e', the averages are of x', and gradients pass through both normalisations. The codebook holds e.
//
// gradient, of quantized:
//   straight_through   diff_x = diff_quantized, as if quantized were x (+ a constant)
//   rotation           as if quantized were lambda R x with lambda = |e| / |x| and the rotation R from x to e constant
//                      (Fifty et al. 2024, Restructuring Vector Quantization with the Rotation Trick, section 4):
//     with a = x / |x|, b = e / |e|:  R = I - (a + b)(a + b)^T / (1 + a . b) + 2 b a^T
//     diff_x = lambda R^T g = lambda (g - c (a + b) + 2 (b . g) a),   c = ((a + b) . g) / (1 + a . b)
//   If x or e is 0, or if they point in opposite directions, no rotation is defined, and straight_through is used.
#include <cmath>

#include "loom/math.h"
#include "loom/node.h"
#include "quantizer/codebook_care.h"
#include "quantizer/nearest_code.h"

namespace {

using namespace loom::nodes;
namespace math = loom::math;

// diff_x = g * gradient + x * vector + e * code
struct Weights {
  float gradient = 1, vector = 0, code = 0;
};

Weights rotation(const float* x, const float* e, const float* g, std::int64_t dim) {
  const double x_norm = std::sqrt(math::sum_of_squares(x, dim)), e_norm = std::sqrt(math::sum_of_squares(e, dim));
  const double product = x_norm * e_norm;
  if (!(product > 0)) return {};
  const double together = 1 + math::dot(x, e, dim) / product;
  if (!(together > 1e-6)) return {};
  const double a_g = math::dot(x, g, dim) / x_norm, b_g = math::dot(e, g, dim) / e_norm;
  const double lambda = e_norm / x_norm, c = (a_g + b_g) / together;
  return {static_cast<float>(lambda), static_cast<float>(lambda * (2 * b_g - c) / x_norm),
          static_cast<float>(-lambda * c / e_norm)};
}

class VectorQuantizer final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Replaces each vector by the nearest of a learned codebook").role(loom::Role::quantizer);
    c.source("van den Oord et al. 2017, Neural Discrete Representation Learning, equation 3 and appendix A.1");
    c.input("x", "[N, ...E, D]", "vectors along the last axis");
    loom::Weighting::declare_mask(c);
    c.output("quantized", "[N, ...E, D]", "the nearest codes' vectors").straight_through();
    c.output("codes", "[N, ...E]", "their indices").dtype(loom::DType::i32).no_gradient();
    c.output("loss", "[N]", "commitment commitment_loss, with update: loss + codebook_loss; mean over the positions");
    c.output("codebook_loss", "[N]", "squared distance; with update: loss it moves the codes, and nothing else")
        .straight_through();
    c.output("commitment_loss", "[N]", "the same squared distance; it moves x, and nothing else").straight_through();
    c.option("codes", loom::required, loom::integer().at_least(1), "number of codes, K");
    c.option("dim", 0, loom::integer().at_least(0), "extent of a vector, checked against x; 0: that of x");
    c.option("update", "ema", loom::text({"loss", "ema"}), "the codebook learns by its loss, or by moving averages");
    c.option("commitment", 0.25, loom::at_least(0), "weight of commitment_loss in loss");
    c.option("distance", "euclidean", loom::text({"euclidean", "cosine"}),
             "cosine: x and the codes are l2-normalised first, and quantized is")
        .of_weights();
    c.option("gradient", "straight_through", loom::text({"straight_through", "rotation"}),
             "how the gradient of quantized reaches x");
    CodebookCare::declare(c);
    c.reads_window([](const loom::TimeWindowOf& of) {
      return of.input > 0 || of.from.rank() > 2 ? std::optional(loom::TimeWindow()) : std::nullopt;
    });
    c.looked_up_by({.type = "codebook_lookup",
                    .inputs = {{"codes", "codes"}},
                    .same_options = {"codes", "distance"},
                    .extents = {{"dim", "D"}},
                    .same_weights = true});
    c.backward_reads({"x", "codes", "mask"});
  }

  static void infer(loom::ShapeInference& s) {
    loom::Weighting::infer(s, "x", loom::Weighting::Over::positions);
    const std::int64_t dim = s.options().integer("dim"), got = s.extent("D");
    if (dim != 0 && dim != got)
      s.fail("the vectors' extent is not `dim`", loom::Shape({got}).text(), loom::Shape({dim}).text(), 0);
  }

  explicit VectorQuantizer(const loom::Options& o)
      : care_(o),
        codes_(o.integer("codes")),
        commitment_(o.number("commitment")),
        unit_(o.text("distance") == "cosine"),
        rotates_(o.text("gradient") == "rotation") {}

  void prepare(const loom::Prepare& p) override {
    dim_ = p.input(0).back();
    samples_ = p.input(0)[0];
    positions_ = p.input(0).count_from(1) / dim_;
    care_.prepare(dim_);
    weighting_.prepare(p, "x", loom::Weighting::Over::positions);
    nearest_.prepare(p, codes_, dim_, unit_);
  }

  void pack(const loom::Pack& p) const override { nearest_.pack(p, care_.codebook(p)); }

  void forward(const loom::Forward& f) const override {
    const float* vectors = nearest_.vectors(f, care_.codebook(f));
    const float* x = f.input(0).data();
    float* quantized = f.output(0).data();
    std::int32_t* codes = f.output(1).data<std::int32_t>();
    const bool counts = f.training;
    const CodebookCare::Tallies tallies = counts ? care_.tallies(f) : CodebookCare::Tallies();
    const std::int64_t rows = samples_ * positions_;
    double distance = 0;  // summed over the positions of a sample so far
    std::span<const float> mask;
    if (rows > 0) mask = weighting_.row(f, 0);
    for (std::int64_t first = 0; first < rows; first += NearestCode::kBlock) {
      const std::int64_t count = std::min(NearestCode::kBlock, rows - first);
      const float* block = nearest_.block(f, x + first * dim_, count);
      nearest_.find(f, vectors, block, count, codes + first);
      for (std::int64_t i = 0; i < count; ++i) {
        const std::int64_t row = first + i;
        const float there = mask.empty() ? 1 : mask[static_cast<std::size_t>(row % positions_)];
        if (codes[row] < 0) {
          if (there != 0) f.fail_not_finite("x", row / positions_);
          codes[row] = 0;
        }
        const float *vector = block + i * dim_, *code = vectors + codes[row] * dim_;
        std::copy_n(code, dim_, quantized + row * dim_);
        if (there != 0) {
          distance += static_cast<double>(there) * math::squared_distance(vector, code, dim_);
          if (counts) tallies.add(codes[row], vector, there);
        }
        if ((row + 1) % positions_ != 0) continue;
        write_losses(f, row / positions_, distance / positions_there(mask));
        distance = 0;
        if (!mask.empty() && row + 1 < rows) mask = weighting_.row(f, row / positions_ + 1);
      }
    }
    if (!counts) return;
    const auto mask_of = [&](std::int64_t sample) { return weighting_.row(f, sample); };
    care_.add_candidates(f, rows, positions_, mask_of, [&](std::int64_t row, float* out) {
      const float* vector = x + row * dim_;
      float* unit = nearest_.rows()(f).data();
      if (unit_) normalise(vector, unit, dim_);
      math::add(out, unit_ ? unit : vector, out, dim_);
    });
  }

  void backward(const loom::Backward& b) const override {
    const float* vectors = nearest_.vectors(b, care_.codebook(b));
    const std::int32_t* codes = b.output(1).data<std::int32_t>();
    const float *x = b.input(0).data(), *diff_quantized = b.diff_output(0).data(), *diff_loss = b.diff_output(2).data();
    const float *diff_codebook = b.diff_output(3).data(), *diff_commitment = b.diff_output(4).data();
    const bool wants_code = !care_.ema() && b.wants_parameter_diff("codebook");
    float* diff_code = wants_code ? b.diff_parameter("codebook").data() : nullptr;
    float* diff_x = b.wants_diff(0) ? b.diff_input(0).data() : nullptr;
    float* unit = nearest_.rows()(b).data();
    std::span<const float> mask;
    float positions = 0;  // of a sample that are there
    const std::int64_t rows = samples_ * positions_;
    for (std::int64_t row = 0; row < rows; ++row, x += dim_, diff_quantized += dim_) {
      const float* code = vectors + codes[row] * dim_;
      const float* vector = unit_ ? unit : x;
      const float reciprocal = unit_ ? normalise(x, unit, dim_) : 1;
      const std::int64_t n = row / positions_, position = row % positions_;
      if (position == 0) {
        mask = weighting_.row(b, n);
        positions = static_cast<float>(positions_there(mask));
      }
      const float there = mask.empty() ? 1 : mask[static_cast<std::size_t>(position)];
      const float share = 2 / positions * there;  // of x - e
      const float pull = (static_cast<float>(commitment_) * diff_loss[n] + diff_commitment[n]) * share;
      if (diff_x != nullptr) {
        Weights w = rotates_ ? rotation(vector, code, diff_quantized, dim_) : Weights();
        w.vector += pull;
        w.code -= pull;
        vector_gradient(b, w, {diff_quantized, vector, code}, reciprocal, diff_x + row * dim_);
      }
      if (!wants_code || there == 0) continue;
      code_gradient(b, codes[row], (diff_loss[n] + diff_codebook[n]) * share, vector, code,
                    diff_code + codes[row] * dim_);
    }
  }

  void end_step(const loom::EndStep& e) const override { care_.end_step(e); }

  double forward_flop(const loom::Prepare& p) const override {
    return 2.0 * static_cast<double>(p.input(0).count()) * static_cast<double>(codes_);
  }
  double backward_flop(const loom::Prepare&, int, int) const override { return 0; }  // nothing is searched

 private:
  // The number of positions of a sample that are there. Where none is, any: the sum that it divides is 0.
  double positions_there(std::span<const float> mask) const {
    const double there = mask.empty() ? 0 : math::sum(mask.data(), positions_);
    return there > 0 ? there : static_cast<double>(positions_);
  }

  void write_losses(const loom::Forward& f, std::int64_t n, double distance) const {
    const double loss = (commitment_ + (care_.ema() ? 0 : 1)) * distance;
    f.output(2).data()[n] = static_cast<float>(loss);
    f.output(3).data()[n] = f.output(4).data()[n] = static_cast<float>(distance);
  }

  struct Row {
    const float *gradient, *vector, *code;
  };
  void vector_gradient(const loom::Backward& b, const Weights& w, const Row& r, float reciprocal, float* diff_x) const {
    if (!unit_) return math::combine(w.gradient, r.gradient, w.vector, r.vector, w.code, r.code, diff_x, dim_);
    float* diff_unit = nearest_.rows()(b).data() + dim_;
    math::combine(w.gradient, r.gradient, w.vector, r.vector, w.code, r.code, diff_unit, dim_);
    std::fill_n(diff_x, dim_, 0.0F);
    add_normalise_gradient(r.vector, reciprocal, diff_unit, diff_x, dim_);
  }

  // pull (e - x), through the normalisation of e if there is one; then e' (e' . (e' - x')) is subtracted.
  void code_gradient(const loom::Backward& b, std::int32_t k, float pull, const float* vector, const float* code,
                     float* diff_code) const {
    float along = 1;
    if (unit_) {
      along = static_cast<float>(math::dot(code, vector, dim_));
      pull *= nearest_.reciprocals(b)[static_cast<std::size_t>(k)];
    }
    math::combine(pull * along, code, -pull, vector, 1, diff_code, diff_code, dim_);
  }

  CodebookCare care_;
  NearestCode nearest_;
  std::int64_t codes_;
  double commitment_;
  bool unit_, rotates_;
  loom::Weighting weighting_;
  std::int64_t samples_ = 0, positions_ = 0, dim_ = 0;
};
LOOM_NODE(VectorQuantizer, "vector_quantizer")

}  // namespace
