// Shared by the nodes of the AR(1) prior: the option alpha and the density.
//   z_1 ~ N(0, 1),  z_t | z_t-1 ~ N(alpha z_t-1, 1 - alpha^2), one alpha for each latent dimension: every z_t has
//   variance 1 and correlation alpha with its neighbour.
// Razavi et al. 2019, Preventing Posterior Collapse with delta-VAEs, section 2.1.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "latent/gaussian_density.h"
#include "loom/error.h"
#include "loom/node.h"

namespace loom::nodes {

class Ar1Alpha {
 public:
  // The option `alpha` and the parameter alpha_logit [D].
  static void declare(Contract& c) {
    c.option("alpha", OptionValue(0.5), number().above(0).below(1).or_list().or_text({"learned"}),
             "correlation of neighbours: a number, one for each latent dimension, or learned");
    c.parameter("alpha_logit", "[D]", zeros(), "alpha = sigmoid(alpha_logit)").only_if([](const Options& o) {
      return o.is_text("alpha");
    });
  }
  static void infer(ShapeInference& s) {
    if (!s.options().is_list("alpha")) return;
    const std::size_t given = s.options().numbers("alpha").size();
    const auto wanted = static_cast<std::size_t>(s.extent("D"));
    if (given != wanted) {
      s.fail("the list of alphas does not fit the latent dimensions", std::to_string(given) + " alphas",
             std::to_string(wanted));
    }
  }
  explicit Ar1Alpha(const Options& options) : learned_(options.is_text("alpha")) {
    if (!learned_) given_ = options.numbers("alpha");
  }

  bool learned() const { return learned_; }
  double at(const Call& call, std::int64_t d) const {
    if (learned_) return 1 / (1 + std::exp(-static_cast<double>(call.parameter("alpha_logit").data()[d])));
    return given_.size() == 1 ? given_.front() : given_[static_cast<std::size_t>(d)];
  }

 private:
  bool learned_;
  std::vector<double> given_;
};

// The steps of one dimension that are there. A process begins anew behind a gap.
class Ar1Steps {
 public:
  // `mask`: of a row [steps, width], or empty: all steps are there.
  Ar1Steps(std::span<const float> mask, std::int64_t dimension, std::int64_t width)
      : mask_(mask.empty() ? nullptr : mask.data() + dimension), width_(width) {}

  bool has(std::int64_t t) const { return mask_ == nullptr || mask_[t * width_] != 0; }
  bool begins(std::int64_t t) const { return t == 0 || !has(t - 1); }

 private:
  const float* mask_;
  std::int64_t width_;
};

// ln p(z) of one dimension of z [steps, width], nats.
inline double ar1_log_density(double alpha, const float* z, std::int64_t steps, std::int64_t width,
                              const Ar1Steps& there) {
  const double rest = 1 - alpha * alpha;
  double sum = 0, count = 0;
  for (std::int64_t t = 0; t < steps; ++t) {
    if (!there.has(t)) continue;
    const auto value = static_cast<double>(z[t * width]);
    const double residual = there.begins(t) ? 0 : value - alpha * static_cast<double>(z[(t - 1) * width]);
    sum += there.begins(t) ? value * value : residual * residual / rest + std::log(rest);
    count += 1;
  }
  return -0.5 * sum - count * kHalfLogTwoPi;
}

// Adds factor times the gradient by z, if diff_z is not null; returns factor times the derivative by alpha.
inline double add_ar1_log_density_gradient(double alpha, double factor, const float* z, float* diff_z,
                                           std::int64_t steps, std::int64_t width, const Ar1Steps& there) {
  const double precision = 1 / (1 - alpha * alpha);
  const auto at = [&](std::int64_t t) { return static_cast<double>(z[t * width]); };
  double by_alpha = 0;
  for (std::int64_t t = 0; t < steps; ++t) {
    if (!there.has(t)) continue;
    if (there.begins(t)) {
      if (diff_z != nullptr) diff_z[t * width] -= static_cast<float>(factor * at(t));
      continue;
    }
    const double residual = at(t) - alpha * at(t - 1), slope = residual * precision;
    if (diff_z != nullptr) {
      diff_z[t * width] -= static_cast<float>(factor * slope);
      diff_z[(t - 1) * width] += static_cast<float>(factor * alpha * slope);
    }
    by_alpha += slope * at(t - 1) - alpha * precision * (residual * slope - 1);
  }
  return factor * by_alpha;
}

// The least divergence of any posterior with independent steps from the AR(1) prior, of one dimension, nats:
// 1/2 ((steps - 2) ln(1 + alpha^2) - ln(1 - alpha^2)); of a single step it is 0, for that is N(0, 1).
inline double ar1_committed_rate(double alpha, std::int64_t steps) {
  if (steps < 2) return 0;
  const double square = alpha * alpha;
  return 0.5 * (static_cast<double>(steps - 2) * std::log1p(square) - std::log1p(-square));
}
// Its derivative by alpha.
inline double ar1_committed_rate_slope(double alpha, std::int64_t steps) {
  if (steps < 2) return 0;
  const double square = alpha * alpha;
  return static_cast<double>(steps - 2) * alpha / (1 + square) + alpha / (1 - square);
}
// The sum of a function of the length over the runs of steps that are there.
template <class OfLength>
double sum_over_runs(std::int64_t steps, const Ar1Steps& there, const OfLength& of_length) {
  double sum = 0;
  std::int64_t run = 0;
  for (std::int64_t t = 0; t < steps; ++t) {
    run = there.has(t) ? run + 1 : 0;
    if (run > 0 && (t + 1 == steps || !there.has(t + 1))) sum += of_length(run);
  }
  return sum;
}
inline double ar1_committed_rate(double alpha, std::int64_t steps, const Ar1Steps& there) {
  return sum_over_runs(steps, there, [&](std::int64_t run) { return ar1_committed_rate(alpha, run); });
}
inline double ar1_committed_rate_slope(double alpha, std::int64_t steps, const Ar1Steps& there) {
  return sum_over_runs(steps, there, [&](std::int64_t run) { return ar1_committed_rate_slope(alpha, run); });
}

}  // namespace loom::nodes
