// Divergence of a von Mises-Fisher posterior from the uniform distribution on the unit sphere of R^M.
//   loss = KL = sum over the spheres E of kappa A(kappa) - ln M(kappa)        [nats per sample; concentration.h]
//   dKL / dkappa = kappa A'(kappa)
//   log_ratio = ln q(z|x) - ln p(z) = sum over E of kappa mu . z - ln M(kappa) at a drawn z, whose expectation is KL; 0
//   if z is not connected. Importance-weighted bounds sum it.
// The KL does not depend on mu, whose extent M is that of the space.
// Davidson et al. 2018, Hyperspherical Variational Auto-Encoders, section 3.
#include <fmt/format.h>
#include "loom/node.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "latent/von_mises_fisher_concentration.h"
#include "loom/error.h"

namespace {

class VonMisesFisherKl final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("KL divergence of a von Mises-Fisher posterior from the uniform distribution on the sphere");
    c.source("Davidson et al. 2018, Hyperspherical Variational Auto-Encoders, section 3");
    c.role(loom::Role::divergence);
    c.input("mu", "[N, ...E, M]", "mean direction, of length 1");
    c.input("kappa", "[N, ...E, 1]", "concentration; if negative, around -mu");
    c.input("z", "[N, ...E, M]", "a draw, for log_ratio only").optional();
    c.output("loss", "[N]", "nats per sample");
    c.output("log_ratio", "[N]", "ln q(z|x) - ln p(z) at z, nats");
    c.drawn_by({.type = "hyperspherical_uniform"});
    c.backward_reads({"mu", "kappa", "z"});
  }
  static void infer(loom::ShapeInference& s) {
    if (s.extent("M") < 2) s.fail("there is no sphere in one dimension", s.input("mu").text(), "at least 2", 0);
  }
  explicit VonMisesFisherKl(const loom::Options&) {}

  void prepare(const loom::Prepare& p) override {
    dim_ = static_cast<std::size_t>(p.input("mu").back());
    spheres_ = static_cast<std::size_t>(p.input("kappa").count_from(1));
    concentration_ = std::make_unique<const sphere::Concentration>(static_cast<std::int64_t>(dim_));
  }

  void forward(const loom::Forward& f) const override {
    for (std::int64_t n = 0; n < f.rows; ++n) {
      double kl = 0, ratio = 0;
      for (std::size_t s = 0; s < spheres_; ++s) {
        const double kappa = f.input("kappa")[n][s];
        if (!std::isfinite(kappa)) throw_kappa(f.first_row + n, kappa);
        const sphere::Moments moments = concentration_->at(kappa);
        kl += moments.kl(kappa);
        if (f.has_input("z")) ratio += kappa * cosine(f, n, s) - moments.log_m;
      }
      // The divergence does not depend on mu, but one of a mu that is no direction is no number.
      kl += 0 * std::accumulate(f.input("mu")[n].begin(), f.input("mu")[n].end(), 0.0);
      f.output("loss")[n][0] = static_cast<float>(kl);
      f.output("log_ratio")[n][0] = static_cast<float>(ratio);
    }
  }

  void backward(const loom::Backward& b) const override {
    for (std::int64_t n = 0; n < b.rows; ++n) {
      const double above = b.diff_output("loss")[n][0];
      const double above_ratio = b.has_input("z") ? static_cast<double>(b.diff_output("log_ratio")[n][0]) : 0;
      for (std::size_t s = 0; s < spheres_; ++s) {
        const double kappa = b.input("kappa")[n][s];
        if (b.wants_diff("kappa")) {
          const sphere::Moments moments = concentration_->at(kappa);
          double diff = above * moments.kl_slope(kappa);
          if (b.has_input("z")) diff += above_ratio * (cosine(b, n, s) - moments.mean);
          b.diff_input("kappa")[n][s] = static_cast<float>(diff);
        }
        write_scaled(b, n, s, above_ratio * kappa, "z", "mu");
        write_scaled(b, n, s, above_ratio * kappa, "mu", "z");
      }
    }
  }

 private:
  std::span<float> vector(const loom::TensorView& of, std::int64_t n, std::size_t s) const {
    return of[n].subspan(s * dim_, dim_);
  }
  double cosine(const loom::Call& call, std::int64_t n, std::size_t s) const {
    const auto mu = vector(call.input("mu"), n, s), z = vector(call.input("z"), n, s);
    double sum = 0;
    for (std::size_t i = 0; i < dim_; ++i) sum += static_cast<double>(mu[i]) * static_cast<double>(z[i]);
    return sum;
  }
  // diff of `to` = factor times the input `from`; 0 if there is no z.
  void write_scaled(const loom::Backward& b, std::int64_t n, std::size_t s, double factor, const char* from,
                    const char* to) const {
    if (!b.wants_diff(to)) return;
    const auto diff = vector(b.diff_input(to), n, s);
    if (!b.has_input(from)) return std::ranges::fill(diff, 0.0F), void();
    const auto values = vector(b.input(from), n, s);
    for (std::size_t i = 0; i < dim_; ++i) diff[i] = static_cast<float>(factor * static_cast<double>(values[i]));
  }
  [[noreturn]] static void throw_kappa(std::int64_t sample, double kappa) {
    throw loom::Error(loom::ErrorCode::not_finite, fmt::format("kappa of sample {} is {}", sample, kappa),
                      "the weights that it comes from may have diverged in training");
  }

  std::size_t dim_ = 0, spheres_ = 0;
  std::unique_ptr<const sphere::Concentration> concentration_;
};

}  // namespace

LOOM_NODE(VonMisesFisherKl, "von_mises_fisher_kl")
