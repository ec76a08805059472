// Draws from a von Mises-Fisher posterior on the unit sphere of R^M, reparametrised so that gradients reach mu and
// kappa.
//   z = H (cos theta, sin theta v)   all [N, ...E, M]: v uniform on the sphere of R^(M-1), theta the angle to mu, H the
//                                    reflection that maps the first axis to mu (reflection.h)
// theta comes from the rejection sampler of Ulrich 1984 and Wood 1994:
//   b = (M-1) / (2 kappa + s),  s = sqrt(4 kappa^2 + (M-1)^2),  a = (M-1 + 2 kappa + s) / 4
//   e ~ Beta((M-1)/2, (M-1)/2),  cos theta = (1 - (1+b) e) / (1 - (1-b) e),  t = 2 a b / (1 - (1-b) e)
//   accepted if (M-1) ln t - t + 4 a b / (1+b) - (M-1) ln(M-1) >= ln u
// The gradient with respect to kappa, through dtheta / dkappa:
//   gradient: implicit   -dF/dkappa / density (implicit_angle.h): the exact gradient of any expectation
//   gradient: rejection  -sin theta / s, that of the accepted proposal with e held, g_rep of the paper. Its correction
//                        g_cor, for the change of the accepted e with kappa, is omitted: it multiplies the value
//                        of the loss, which no node has. This gradient is biased, so it is not the default; README.md
//                        gives the size of the bias.
// Davidson et al. 2018, Hyperspherical Variational Auto-Encoders, section 3 and appendix; Figurnov et al.
// 2018, Implicit Reparameterization Gradients. It also draws in evaluation: connect mu instead of z for the mean
// direction.
#include <fmt/format.h>
#include "loom/node.h"

#include <cmath>

#include "latent/sphere_reflection.h"
#include "latent/von_mises_fisher_angle.h"
#include "latent/von_mises_fisher_concentration.h"
#include "loom/error.h"

namespace {

constexpr int kAttempts = 1000;  // two of three proposals are accepted

class VonMisesFisherSampler final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("A reparametrised draw from a von Mises-Fisher distribution on the sphere");
    c.source("Davidson et al. 2018, Hyperspherical Variational Auto-Encoders, algorithm 1");
    c.role(loom::Role::sampler);
    c.input("mu", "[N, ...E, M]", "mean direction, of length 1");
    c.input("kappa", "[N, ...E, 1]", "concentration; if negative, around -mu");
    c.output("z", "[N, ...E, M]", "the draw, of length 1");
    c.option("gradient", "implicit", loom::text({"implicit", "rejection"}), "the gradient of z with respect to kappa");
    c.stochastic();
    c.backward_reads({"mu", "kappa"});
  }
  static void infer(loom::ShapeInference& s) {
    if (s.extent("M") < 2) s.fail("there is no sphere in one dimension", s.input("mu").text(), "at least 2", 0);
  }
  explicit VonMisesFisherSampler(const loom::Options& o) : implicit_(o.text("gradient") == "implicit") {}

  void prepare(const loom::Prepare& p) override {
    dim_ = static_cast<std::size_t>(p.input("mu").back());
    rows_ = static_cast<std::size_t>(p.input("kappa").count());
    concentration_ = std::make_unique<const sphere::Concentration>(static_cast<std::int64_t>(dim_));
    proposal_ = p.scratch<float>(dim_);
    angles_ = p.backward ? p.saved<Angle>(rows_) : p.scratch<Angle>(rows_);
    v_ = p.backward ? p.saved<float>(rows_ * (dim_ - 1)) : p.scratch<float>(rows_ * (dim_ - 1));
  }

  void forward(const loom::Forward& f) const override {
    const auto mu = f.input("mu"), z = f.output("z");
    const std::size_t per_sample = rows_ / static_cast<std::size_t>(f.rows);
    const Kept kept = kept_in(f);
    for (std::size_t row = 0; row < rows_; ++row) {
      const auto n = static_cast<std::int64_t>(row / per_sample);
      const std::size_t of_sample = row % per_sample;
      if (of_sample == 0) f.normal(n, {kept.v + row * (dim_ - 1), per_sample * (dim_ - 1)});
      normalise(kept.v + row * (dim_ - 1));
      const Angle angle = draw(f, n, of_sample, f.input("kappa").values()[row]);
      kept.angles[row] = angle;
      const sphere::Reflection reflect(mu.values().subspan(row * dim_, dim_));
      const auto before = [&](std::size_t i) { return coordinate(kept, row, i, reflect.pole()); };
      const double along = reflect.along(before);
      for (std::size_t i = 0; i < dim_; ++i)
        z.values()[row * dim_ + i] = static_cast<float>(before(i) - along * reflect.d(i));
    }
  }

  // With g = diff z: diff z' = H g; diff mu = 2 / d.d (z' (d.g) + g (d.z') - 2 d (d.z') (d.g) / d.d);
  // diff kappa = dtheta / dkappa (H g) . (-sin theta, cos theta v).
  void backward(const loom::Backward& b) const override {
    const auto mu = b.input("mu"), diff_z = b.diff_output("z");
    const Kept kept = kept_in(b);
    for (std::size_t row = 0; row < rows_; ++row) {
      const sphere::Reflection reflect(mu.values().subspan(row * dim_, dim_));
      const auto g = diff_z.values().subspan(row * dim_, dim_);
      const auto before = [&](std::size_t i) { return coordinate(kept, row, i, reflect.pole()); };
      const double along_g = reflect.along([&](std::size_t i) { return static_cast<double>(g[i]); });
      const double along_z = reflect.along(before), curl = along_z * along_g;
      if (b.wants_diff("mu")) {
        for (std::size_t i = 0; i < dim_; ++i)
          b.diff_input("mu").values()[row * dim_ + i] =
              static_cast<float>(along_g * before(i) + along_z * static_cast<double>(g[i]) - curl * reflect.d(i));
      }
      if (!b.wants_diff("kappa")) continue;
      const Angle angle = kept.angles[row];
      double slope = -reflect.pole() * angle.sine * (g[0] - along_g * reflect.d(0));
      for (std::size_t i = 1; i < dim_; ++i)
        slope += angle.cosine * kept.v[row * (dim_ - 1) + i - 1] * (g[i] - along_g * reflect.d(i));
      const double kappa = b.input("kappa").values()[row];
      b.diff_input("kappa").values()[row] = static_cast<float>(slope * angle_slope(angle, kappa));
    }
  }

 private:
  struct Angle {
    double cosine, sine;
  };
  struct Kept {
    Angle* angles;
    float* v;  // [rows, dim - 1]
  };
  Kept kept_in(const loom::Call& call) const { return {angles_(call).data(), v_(call).data()}; }
  double coordinate(const Kept& kept, std::size_t row, std::size_t i, double pole) const {
    const Angle angle = kept.angles[row];
    return i == 0 ? pole * angle.cosine : angle.sine * static_cast<double>(kept.v[row * (dim_ - 1) + i - 1]);
  }

  void normalise(float* v) const {
    double square = 0;
    for (std::size_t i = 0; i + 1 < dim_; ++i) square += static_cast<double>(v[i]) * static_cast<double>(v[i]);
    if (square == 0) v[0] = 1, square = 1;
    for (std::size_t i = 0; i + 1 < dim_; ++i) v[i] = static_cast<float>(v[i] / std::sqrt(square));
  }

  double root(double kappa) const { return std::hypot(2 * kappa, static_cast<double>(dim_ - 1)); }

  // (1 + g_1 / |g|) / 2 for g ~ N(0, I) in R^M is Beta((M-1)/2, (M-1)/2). Each attempt has separate random blocks.
  Angle draw(const loom::Forward& f, std::int64_t n, std::size_t of_sample, double kappa) const {
    if (!std::isfinite(kappa)) throw_kappa(f.first_row + n, kappa);
    const double sign = std::copysign(1, kappa);
    kappa = std::abs(kappa);
    const auto freedom = static_cast<double>(dim_ - 1);
    const double s = root(kappa), b = freedom / (2 * kappa + s), a = (freedom + 2 * kappa + s) / 4;
    const double level = 4 * a * b / (1 + b) - freedom * std::log(freedom);
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      const auto block =
          static_cast<std::uint32_t>(1 + 2 * (of_sample * kAttempts + static_cast<std::size_t>(attempt)));
      const std::span<float> g = proposal_(f);
      float u = 0;
      f.normal(n, g, block);
      f.uniform(n, {&u, 1}, block + 1);
      double square = 0;
      for (const double value : g) square += value * value;
      const double e = 0.5 * (1 + static_cast<double>(g[0]) / std::sqrt(square)), divisor = 1 - (1 - b) * e;
      const double t = 2 * a * b / divisor;
      if (freedom * std::log(t) - t + level < std::log(static_cast<double>(u))) continue;
      return {sign * (1 - (1 + b) * e) / divisor, 2 * std::sqrt(b * e * (1 - e)) / divisor};
    }
    throw loom::Error(loom::ErrorCode::internal,
                      fmt::format("no draw was accepted in {} attempts at kappa {}", kAttempts, kappa));
  }

  // The same for kappa and -kappa: for -kappa the angle is pi minus it, and its derivative by |kappa| is negated.
  double angle_slope(const Angle& angle, double kappa) const {
    if (!implicit_) return -angle.sine / root(kappa);
    const double size = std::abs(kappa), mean = concentration_->at(size).mean;
    const double theta = std::atan2(angle.sine, std::copysign(1, kappa) * angle.cosine);
    return sphere::ImplicitAngle(static_cast<std::int64_t>(dim_), size, mean).slope(theta);
  }

  [[noreturn]] static void throw_kappa(std::int64_t sample, double kappa) {
    throw loom::Error(loom::ErrorCode::not_finite, fmt::format("kappa of sample {} is {}", sample, kappa),
                      "the weights that it comes from may have diverged in training");
  }

  bool implicit_;
  std::size_t dim_ = 0, rows_ = 0;
  std::unique_ptr<const sphere::Concentration> concentration_;
  loom::Slot<float> proposal_;
  loom::Slot<Angle> angles_;  // of each row, for backward
  loom::Slot<float> v_;       // of each row
};

}  // namespace

LOOM_NODE(VonMisesFisherSampler, "von_mises_fisher_sampler")
