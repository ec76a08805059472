// Negative log-likelihood of independent categorical variables, given the logits: the 256-way likelihood of pixels and
// of mu-law audio, and the prior over codes.
//   loss = sum over the positions E of mask weight (ln sum_k e^logits[k] - logits[target])     [nats per sample]
//   logits [N, ...E, K], target [N, ...E] of codes 0 to K - 1; any number where mask or weight is 0
#include <fmt/format.h>

#include "loom/error.h"
#include "loom/math.h"
#include "loom/node.h"

namespace {

namespace math = loom::math;

class CategoricalNll final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Negative log-likelihood of categorical variables, from logits");
    c.source("van den Oord et al. 2016, Pixel Recurrent Neural Networks, section 3.4");
    c.role(loom::Role::likelihood);
    c.input("logits", "[N, ...E, K]", "unnormalised log-probabilities");
    c.input("target", "[N, ...E]", "observed codes").dtype(loom::DType::i32).no_gradient().codes_below("K");
    loom::Weighting::declare(c);
    c.output("loss", "[N]", "nats per sample");
    c.drawn_by({.type = "categorical_sampler", .inputs = {{"logits", "logits"}}});
    c.backward_reads({"logits", "target", "mask", "weight"});
  }
  static void infer(loom::ShapeInference& s) { loom::Weighting::infer(s, "target"); }
  explicit CategoricalNll(const loom::Options&) {}

  void prepare(const loom::Prepare& p) override { weighting_.prepare(p, "target"); }

  void forward(const loom::Forward& f) const override {
    const loom::TensorView logits = f.input("logits"), target = f.input("target");
    const std::int64_t classes = logits.shape().back();
    for (std::int64_t n = 0; n < f.rows; ++n) {
      const float* row = logits[n].data();
      const std::span<const float> weights = weighting_.row(f, n);
      const std::span<const std::int32_t> codes = target.rows(n, 1).values<std::int32_t>();
      double loss = 0;
      for (std::size_t i = 0; i < codes.size(); ++i, row += classes) {
        if (!weights.empty() && weights[i] == 0) continue;
        check(codes[i], classes, f.first_sample + n);
        const double nll = math::log_sum_exp(row, classes) - static_cast<double>(row[codes[i]]);
        loss += weights.empty() ? nll : static_cast<double>(weights[i]) * nll;
      }
      f.output("loss")[n][0] = static_cast<float>(loss);
    }
  }

  // softmax(logits) - one-hot(target)
  void backward(const loom::Backward& b) const override {
    if (!b.wants_diff("logits")) return;
    const loom::TensorView logits = b.input("logits"), target = b.input("target"), diff = b.diff_output("loss");
    const std::int64_t classes = logits.shape().back();
    for (std::int64_t n = 0; n < b.rows; ++n) {
      const float* row = logits[n].data();
      float* out = b.diff_input("logits")[n].data();
      const std::span<const float> weights = weighting_.row(b, n);
      const std::span<const std::int32_t> codes = target.rows(n, 1).values<std::int32_t>();
      for (std::size_t i = 0; i < codes.size(); ++i, row += classes, out += classes) {
        const float factor = weights.empty() ? diff[n][0] : weights[i] * diff[n][0];
        if (!weights.empty() && weights[i] == 0) {
          std::fill_n(out, classes, 0.0F);
          continue;
        }
        math::softmax(row, out, classes);
        out[codes[i]] -= 1;
        math::scale(factor, out, out, classes);
      }
    }
  }

 private:
  static void check(std::int32_t code, std::int64_t classes, std::int64_t sample) {
    if (code >= 0 && code < classes) return;
    throw loom::Error(loom::ErrorCode::out_of_range,
                      fmt::format("the target of sample {} has the code {}, but there are logits for 0 to {}", sample,
                                  code, classes - 1));
  }

  loom::Weighting weighting_;
};
LOOM_NODE(CategoricalNll, "categorical_nll")

}  // namespace
