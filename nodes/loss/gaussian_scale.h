// The standard deviation of a Gaussian likelihood: a number, a learned one, one of each dimension, the best of a batch, or
// an input. See gaussian_nll.cpp for the formulas.
#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>
#include <vector>

#include "loom/math.h"
#include "loom/node.h"
#include "loss/weighted.h"

namespace loom::nodes {

class GaussianScale {
 public:
  // Of all values, or of each dimension: then the pointers are set.
  struct Common {
    double log_sigma = 0;
    const float *precisions = nullptr, *log_sigmas = nullptr;  // 1 / sigma^2 and ln sigma of each dimension
    std::int64_t count = 0;

    // The weighted sum of ((mean - target) / sigma)^2; `work`: as long as an event.
    double distance(std::span<const float> weights, std::span<const float> mean, std::span<const float> target,
                    float* work) const {
      if (precisions == nullptr) return weighted_squares(weights, mean, target) * std::exp(-2 * log_sigma);
      math::scaled_difference(1, mean.data(), target.data(), work, count);
      math::multiply(work, work, work, count);
      if (weights.empty()) return math::dot(work, precisions, count);
      math::multiply(work, precisions, work, count);
      for (std::size_t i = 0; i < weights.size(); ++i) work[i] = weights[i] == 0 ? 0.0F : work[i];
      return math::dot(work, weights.data(), count);
    }
    // The weighted sum of ln sigma + 1/2 ln 2 pi.
    double constant(std::span<const float> weights, std::int64_t values) const {
      const double total = weights.empty() ? static_cast<double>(values) : weight_sum(weights);
      if (log_sigmas == nullptr) return total * (log_sigma + kHalfLog);
      const double logs = weights.empty() ? math::sum(log_sigmas, count) : math::dot(log_sigmas, weights.data(), count);
      return logs + total * kHalfLog;
    }
    // (mean - target) / sigma^2
    void slopes(const float* differences, float* out) const {
      if (precisions != nullptr) return math::multiply(differences, precisions, out, count);
      math::scale(static_cast<float>(std::exp(-2 * log_sigma)), differences, out, count);
    }
  };
  struct Spread {
    double squares = 0, weights = 0;
  };
  // Of one row: what comes back of its loss.
  struct Slopes {
    float factor;
    std::span<const float> weights;
    float* differences;  // may be overwritten
    const float* slopes;
  };

  // Where a sigma comes from that exists: what a node needs that draws.
  static void declare_sigma(Contract& c) {
    c.option("sigma", 1.0, positive().or_text({"learned", "per_dimension", "optimal"}),
             "standard deviation; how it is learned; or optimal: that of the batch's errors", "that of the data")
        .of_weights();
    c.parameter("log_sigma", "[...S]", zeros(), "natural logarithm of sigma").only_if([](const Options& o) {
      return learns(o);
    });
    c.state("variance", "[1]", ones(), "moving average of sigma^2, for evaluation").only_if(is_optimal);
  }
  static void declare(Contract& c) {
    declare_sigma(c);
    c.option("min_sigma", 1e-3, positive(), "sigma: optimal; the smallest", "that of the data").of_weights();
    c.option("momentum", 0.1, above_zero_to_one(), "sigma: optimal; share of the batch in the moving average")
        .of_weights();
    c.whole_batch_in_training_if(is_optimal);
  }
  static void infer(ShapeInference& s) {
    const Options& o = s.options();
    const bool each = o.is_text("sigma") && o.text("sigma") == "per_dimension";
    s.bind_run("S", each ? s.run_extents("E") : std::vector<std::int64_t>{1});
    if (s.has_input("logvar") && (o.is_text("sigma") || o.number("sigma") != 1))
      s.fail("sigma and the input logvar exclude each other", "both", "one of them");
  }

  explicit GaussianScale(const Options& o)
      : learned_(learns(o)),
        each_(learned_ && o.text("sigma") == "per_dimension"),
        optimal_(is_optimal(o)),
        fixed_(o.is_text("sigma") ? 0 : std::log(o.number("sigma"))),
        least_(o.has("min_sigma") ? o.number("min_sigma") : 0),
        momentum_(o.has("momentum") ? o.number("momentum") : 0) {}

  void prepare(const Prepare& p, std::int64_t count) {
    count_ = count;
    by_input_ = p.has_input("logvar");
    if (each_ || by_input_) precisions_ = p.scratch<float>(count);
    if (by_input_) log_sigmas_ = p.scratch<float>(count);
    if (optimal_ && p.training && p.backward) kept_ = p.saved<double>(1);
  }

  bool optimal(bool training) const { return optimal_ && training; }
  // The spread is too small for its square root.
  bool is_least(const Spread& s) const { return !(s.squares > least_ * least_ * s.weights); }

  // What does not depend on the row. optimal() is called in training where the best sigma is wanted.
  template <class Optimal>
  Common common(const Call& call, const Optimal& optimal) const {
    Common scale;
    scale.count = count_;
    scale.log_sigma = fixed_;
    if (optimal_) scale.log_sigma = call.training ? optimal() : average(call);
    if (!learned_) return scale;
    const float* log_sigma = call.parameter("log_sigma").data();
    scale.log_sigma = static_cast<double>(log_sigma[0]);
    if (!each_) return scale;
    float* precisions = precisions_(call).data();
    math::scale(-2, log_sigma, precisions, count_);
    math::exp(precisions, precisions, count_);
    scale.precisions = precisions;
    scale.log_sigmas = log_sigma;
    return scale;
  }

  // The scale of a row: that of the input, or the common one. A value that does not count may have any logvar.
  Common of_row(const Call& call, std::int64_t n, const Common& common, std::span<const float> weights) const {
    if (!by_input_) return common;
    Common scale = common;
    const float* logvar = call.input("logvar")[n].data();
    float *precisions = precisions_(call).data(), *log_sigmas = log_sigmas_(call).data();
    math::scale(0.5F, logvar, log_sigmas, count_);
    math::scale(-1, logvar, precisions, count_);
    math::exp(precisions, precisions, count_);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      if (weights[i] == 0) precisions[i] = log_sigmas[i] = 0;
    }
    scale.precisions = precisions;
    scale.log_sigmas = log_sigmas;
    return scale;
  }

  // ln sigma by the moving average, of sigma: optimal.
  static double average(const Call& call) {
    return 0.5 * std::log(static_cast<double>(call.state("variance").data()[0]));
  }

  // ln sigma of the batch; the moving average follows it.
  double take_optimal(const Forward& f, const Spread& s) const {
    const double variance = is_least(s) ? least_ * least_ : s.squares / s.weights;
    float& average = f.state("variance").data()[0];
    average = static_cast<float>((1 - momentum_) * static_cast<double>(average) + momentum_ * variance);
    const double log_sigma = 0.5 * std::log(variance);
    if (!kept_.empty()) kept_(f)[0] = log_sigma;
    return log_sigma;
  }
  double kept_optimal(const Backward& b) const { return kept_(b)[0]; }

  void write_sigma(const Call& call, std::int64_t n, const Common& scale, std::span<float> sigma) const {
    if (!by_input_ && !each_) {
      std::ranges::fill(sigma, static_cast<float>(std::exp(scale.log_sigma)));
      return;
    }
    math::scale(by_input_ ? 0.5F : 1.0F, by_input_ ? call.input("logvar")[n].data() : scale.log_sigmas, sigma.data(),
                count_);
    math::exp(sigma.data(), sigma.data(), count_);
  }

  // Of log_sigma or logvar: d loss / d ln sigma = the weight of a value - slope (mean - target), where the slopes have the
  // weights in them, and d sigma / d ln sigma = sigma.
  void add_gradient(const Backward& b, std::int64_t n, const Slopes& row) const {
    const bool of_input = by_input_ && b.wants_diff("logvar");
    if (!of_input && !(learned_ && b.wants_parameter_diff("log_sigma"))) return;
    float* slope = row.differences;
    math::multiply(row.differences, row.slopes, slope, count_);
    const std::span<const float> sigma = b.output("sigma")[n], diff_sigma = b.diff_output("sigma")[n];
    for (std::size_t i = 0; i < sigma.size(); ++i) {
      const float weight = row.weights.empty() ? 1.0F : row.weights[i];
      slope[i] = row.factor * (weight - slope[i]) + (diff_sigma[i] == 0 ? 0.0F : diff_sigma[i] * sigma[i]);
    }
    if (of_input) return math::scale(0.5F, slope, b.diff_input("logvar")[n].data(), count_);
    float* sum = b.diff_parameter("log_sigma").data();
    if (each_)
      math::add(sum, slope, sum, count_);
    else
      sum[0] += static_cast<float>(math::sum(slope, count_));
  }

  static double weighted_squares(std::span<const float> weights, std::span<const float> mean,
                                 std::span<const float> target) {
    return weights.empty() ? math::squared_distance(mean.data(), target.data(), static_cast<std::int64_t>(mean.size()))
                           : weighted_squared_distance(weights, mean.data(), target.data());
  }

 private:
  static inline const double kHalfLog = 0.5 * std::log(2 * std::numbers::pi);

  static Constraint above_zero_to_one() { return number().above(0).at_most(1); }
  static bool is_optimal(const Options& o) { return o.is_text("sigma") && o.text("sigma") == "optimal"; }
  static bool learns(const Options& o) { return o.is_text("sigma") && !is_optimal(o); }

  bool learned_, each_, optimal_, by_input_ = false;
  double fixed_, least_, momentum_;  // fixed: ln sigma
  std::int64_t count_ = 0;
  Slot<float> precisions_, log_sigmas_;  // of an event
  Slot<double> kept_;                    // ln sigma of the batch, for backward
};

}  // namespace loom::nodes
