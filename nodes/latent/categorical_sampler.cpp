// Draws from categorical variables: codes from a prior's logits, levels of sound, pixels.
//   P(k) = e^(logits[k] / temperature) / sum of the same, cut to the top_k most probable codes and then to the fewest
//   whose probability is at least top_p, renormalised
//   codes = the first k with P(0) + ... + P(k) > u, u uniform in [0, 1), one per position;  temperature 0: arg max
//   logits [N, ...E, K], codes [N, ...E] i32
// Ties go to the lower code. -inf forbids a code.
//
// Holtzman et al. 2020, The Curious Case of Neural Text Degeneration, section 3.1 (top_p, the nucleus); Fan et al.
// 2018, Hierarchical Neural Story Generation, section 5.4 (top_k)
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "loom/error.h"
#include "loom/math.h"
#include "loom/node.h"

namespace {

namespace math = loom::math;

class CategoricalSampler final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Draws from categorical variables, given the logits");
    c.source("Holtzman et al. 2020, The Curious Case of Neural Text Degeneration, section 3.1");
    c.input("logits", "[N, ...E, K]", "unnormalised log-probabilities; -inf forbids a code").no_gradient();
    c.output("codes", "[N, ...E]", "drawn codes, 0 to K - 1").dtype(loom::DType::i32).no_gradient();
    c.option("temperature", 1.0, loom::at_least(0), "divides the logits; 0: the most probable code");
    c.option("top_k", 0, loom::integer().at_least(0), "only this many most probable codes; 0: all");
    c.option("top_p", 1.0, loom::number().above(0).at_most(1),
             "only the smallest set of most probable codes with this total probability; 1: all");
    c.stochastic();
    c.pointwise();
    c.backward_reads({});
  }
  explicit CategoricalSampler(const loom::Options& options)
      : temperature_(options.number("temperature")), top_k_(options.integer("top_k")), top_p_(options.number("top_p")) {
    inverse_ = static_cast<float>(std::min(1 / temperature_, 1e38));  // 0 times infinity would be NaN
  }

  void prepare(const loom::Prepare& p) override {
    classes_ = p.input(0).back();
    positions_ = p.output(0).count_from(1);
    weights_ = p.scratch<float>(classes_);
    uniform_ = p.scratch<float>(positions_);
    if (cuts()) keys_ = p.scratch<std::uint64_t>(classes_);
  }

  void forward(const loom::Forward& f) const override {
    const float* logits = f.input(0).data();
    std::int32_t* codes = f.output(0).data<std::int32_t>();
    const std::span<float> uniform = uniform_(f);
    for (std::int64_t n = 0; n < f.rows; ++n) {
      // At temperature 0, nothing depends on the draws either, so they are omitted.
      if (temperature_ > 0) f.uniform(n, uniform);
      for (std::int64_t i = 0; i < positions_; ++i, logits += classes_) {
        const std::int32_t code =
            temperature_ > 0 ? drawn(f, logits, uniform[static_cast<std::size_t>(i)]) : most_probable(logits);
        if (code < 0) throw_logits(f.first_row + n, logits);
        *codes++ = code;
      }
    }
  }
  void backward(const loom::Backward&) const override {}  // no gradient

 private:
  bool cuts() const { return (top_k_ > 0 && top_k_ < classes_) || top_p_ < 1; }

  // -1 if the logits do not define a distribution.
  std::int32_t most_probable(const float* logits) const {
    std::int64_t best = 0;
    for (std::int64_t k = 0; k < classes_; ++k) {
      if (std::isnan(logits[k])) return -1;
      if (logits[k] > logits[best]) best = k;
    }
    return std::isfinite(logits[best]) ? static_cast<std::int32_t>(best) : -1;
  }

  std::int32_t drawn(const loom::Forward& f, const float* logits, float uniform) const {
    float* weights = weights_(f).data();
    const float most = math::maximum(logits, classes_);
    for (std::int64_t k = 0; k < classes_; ++k) weights[k] = (logits[k] - most) * inverse_;
    math::exp(weights, weights, classes_);
    double total = sum(weights);
    if (!(total > 0)) return -1;  // the logits contain NaN or +inf, or only -inf
    if (cuts()) {
      cut(weights, keys_(f).data());
      total = sum(weights);
    }
    // The sums are in the same order, so the last one is `total`, which is above the target.
    const double target = static_cast<double>(uniform) * total;
    double below = 0;
    std::int64_t k = 0;
    while (k < classes_ - 1 && (below += static_cast<double>(weights[k])) <= target) ++k;
    return static_cast<std::int32_t>(k);
  }

  double sum(const float* weights) const {
    double total = 0;
    for (std::int64_t k = 0; k < classes_; ++k) total += static_cast<double>(weights[k]);
    return total;
  }

  // Orders codes by decreasing weight and then by code: weights are not negative, so their bits have the same order.
  static std::uint64_t key_of(float weight, std::int64_t code) {
    return static_cast<std::uint64_t>(~std::bit_cast<std::uint32_t>(weight)) << 32U | static_cast<std::uint64_t>(code);
  }
  static std::int64_t code_of(std::uint64_t key) { return static_cast<std::int64_t>(key & 0xFFFFFFFFU); }

  // Sets the weights of the codes that top_k and top_p exclude to zero.
  void cut(float* weights, std::uint64_t* keys) const {
    std::uint64_t *end = keys + classes_, *kept = end;
    for (std::int64_t k = 0; k < classes_; ++k) keys[k] = key_of(weights[k], k);
    if (top_k_ > 0 && top_k_ < classes_) {
      kept = keys + top_k_;
      std::nth_element(keys, kept, end);
    }
    if (top_p_ < 1) kept = nucleus(weights, keys, kept);
    for (; kept != end; ++kept) weights[code_of(*kept)] = 0;
  }

  // The end of the fewest codes with top_p of the total weight in [first, last); they are moved to the front. By
  // partitioning, as for a median: sorting would take several times as long.
  std::uint64_t* nucleus(const float* weights, std::uint64_t* first, std::uint64_t* last) const {
    const auto sum_of = [weights](const std::uint64_t* from, const std::uint64_t* to) {
      double sum = 0;
      for (; from != to; ++from) sum += static_cast<double>(weights[code_of(*from)]);
      return sum;
    };
    double missing = top_p_ * sum_of(first, last);  // stays above 0: `first` is always one of them
    while (last - first > 1) {
      std::uint64_t* middle = first + (last - first) / 2;
      std::nth_element(first, middle, last);
      const double sum = sum_of(first, middle);
      if (sum >= missing) {
        last = middle;
      } else {
        missing -= sum;
        first = middle;
      }
    }
    return last;
  }

  [[noreturn]] void throw_logits(std::int64_t sample, const float* logits) const {
    const bool nan = std::any_of(logits, logits + classes_, [](float l) { return std::isnan(l); });
    const bool infinite = std::any_of(logits, logits + classes_, [](float l) { return l == HUGE_VALF; });
    throw loom::Error(loom::ErrorCode::not_finite,
                      fmt::format("the logits of sample {} do not define a distribution: {}", sample,
                                  nan        ? "one is not a number"
                                  : infinite ? "one is infinite"
                                             : "every code is forbidden (-inf)"),
                      "the weights that they come from may have diverged in training");
  }

  double temperature_;
  float inverse_ = 1;
  std::int64_t top_k_;
  double top_p_;
  std::int64_t classes_ = 0, positions_ = 0;
  loom::Slot<float> weights_, uniform_;  // one per code; one draw per position
  loom::Slot<std::uint64_t> keys_;       // one per code, if some are excluded
};
LOOM_NODE(CategoricalSampler, "categorical_sampler")

}  // namespace
