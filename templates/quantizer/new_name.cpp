// Scalar quantization: each value becomes the nearest of K levels that follow the data (Lloyd 1982, Least Squares
// Quantization in PCM).
//   codes = argmin_k |x - level_k|,   quantized = level_codes
//   loss  = sum over the event of (x - quantized)^2, with no gradient through quantized
// After each step, a level moves by the fraction `rate` towards the mean of the values that chose it.
// The gradient of quantized is straight-through: it reaches x as if quantized were x. The levels are state, not
// parameters: the host keeps them, saves them, and passes the node the sums over the step's shards.
//
#include <loom/node.h>

#include <cmath>

namespace {

class NewName final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Replaces each value by the nearest of levels that follow the data").role(loom::Role::quantizer);
    c.source("Lloyd 1982, Least Squares Quantization in PCM");
    c.input("x", "[N, ...E]", "values");
    c.output("quantized", "[N, ...E]", "the nearest levels").straight_through();
    c.output("codes", "[N, ...E]", "their indices").dtype(loom::DType::i32).no_gradient();
    c.output("loss", "[N]", "squared distance that moves x towards its level, per sample");
    c.option("levels", 8, loom::integer().at_least(2), "number of levels, K");
    c.option("rate", 0.1, loom::at_least(0).at_most(1),
             "fraction of the distance to the mean that a level moves per step");
    c.state("levels", "[levels]", loom::uniform_values(-1, 1), "the levels");
    c.state("unused_for", "[levels]", loom::zeros(), "steps since a level was last used");
    c.state("perplexity", "[1]", loom::zeros(),
            "perplexity of the codes of the last step: exp of the entropy of their histogram");
    c.tally("counts", "[levels]", "values of each level");
    c.tally("sums", "[levels]", "their sum");
    c.backward_reads({"x", "codes"});
  }

  explicit NewName(const loom::Options& options) : rate_(static_cast<float>(options.number("rate"))) {}

  void forward(const loom::Forward& f) const override {
    const auto x = f.input("x"), quantized = f.output("quantized");
    const auto levels = f.state("levels").values();
    auto* code = f.output("codes").data<std::int32_t>();
    for (std::int64_t n = 0; n < f.rows; ++n) {
      double loss = 0;
      for (std::size_t i = 0; i < x[n].size(); ++i) {
        const std::size_t k = nearest(levels, x[n][i]);
        *code++ = static_cast<std::int32_t>(k);
        quantized[n][i] = levels[k];
        loss += std::pow(static_cast<double>(x[n][i] - levels[k]), 2);
        if (f.training) count(f, k, x[n][i]);
      }
      f.output("loss")[n][0] = static_cast<float>(loss);
    }
  }

  void backward(const loom::Backward& b) const override {
    if (!b.wants_diff("x")) return;
    const auto x = b.input("x"), above = b.diff_output("quantized"), below = b.diff_input("x");
    const auto levels = b.state("levels").values();
    const auto* code = b.output("codes").data<std::int32_t>();
    for (std::int64_t n = 0; n < b.rows; ++n) {
      const float loss = b.diff_output("loss")[n][0];
      for (std::size_t i = 0; i < x[n].size(); ++i)
        below[n][i] = above[n][i] + 2 * loss * (x[n][i] - levels[static_cast<std::size_t>(*code++)]);
    }
  }

  // Called once per step, with the tallies of all shards.
  void end_step(const loom::EndStep& e) const override {
    const auto counts = e.tally("counts").values(), sums = e.tally("sums").values();
    const auto levels = e.state("levels").values(), unused_for = e.state("unused_for").values();
    const double total = loom::math::sum(counts.data(), static_cast<std::int64_t>(counts.size()));
    double entropy = 0;
    for (std::size_t k = 0; k < levels.size(); ++k) {
      unused_for[k] = counts[k] > 0 ? 0 : unused_for[k] + 1;
      if (!(counts[k] > 0)) continue;
      levels[k] += rate_ * (sums[k] / counts[k] - levels[k]);
      entropy -= counts[k] / total * std::log(counts[k] / total);
    }
    e.state("perplexity").values()[0] = static_cast<float>(std::exp(entropy));
  }

 private:
  static std::size_t nearest(std::span<const float> levels, float value) {
    std::size_t best = 0;
    for (std::size_t k = 1; k < levels.size(); ++k) {
      if (std::abs(value - levels[k]) < std::abs(value - levels[best])) best = k;
    }
    return best;
  }
  static void count(const loom::Forward& f, std::size_t k, float value) {
    f.tally("counts").values()[k] += 1;
    f.tally("sums").values()[k] += value;
  }

  float rate_;
};

}  // namespace

LOOM_NODE(NewName, "new.name")
