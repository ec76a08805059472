// The prior of a hyperspherical VAE: the uniform distribution on the unit sphere of R^M, one per position of E.
//   y = g / |g|,  g ~ N(0, I)   [N, ...E, M];   with z connected y = z
//   log_density = -ln area for each sphere, area = 2 pi^(M/2) / Gamma(M/2)                    [nats]
// Davidson et al. 2018, Hyperspherical Variational Auto-Encoders, section 3.
#include "loom/prior.h"

#include <algorithm>
#include <cmath>

#include "latent/von_mises_fisher_concentration.h"

namespace {

class UniformOnSphere final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("The uniform distribution on the sphere: draws, or the density of z");
    c.source("Davidson et al. 2018, Hyperspherical Variational Auto-Encoders, section 3");
    c.role(loom::Role::prior);
    c.input("z", "[N, ...E]", "the point at which the density is computed; default: a draw").optional();
    c.input("like", "[N, ...E]", "a port of the shape of a draw; its values are not read").shape_only();
    c.output("y", "[N, ...E]", "points of length 1, or z");
    c.output("log_density", "[N]", "ln p(y), nats").no_gradient();
    c.option("shape", loom::OptionValue(), loom::integer_list().at_least(1),
             "extents of one draw, the last is that of the space; where neither z nor like is connected");
    c.stochastic();
    c.backward_reads({});
  }
  static void infer(loom::ShapeInference& s) {
    const std::vector<std::int64_t> extents = loom::nodes::prior_extents(s);
    s.bind_run("E", extents);
    if (!s.problems().empty()) return;
    if (extents.empty() || extents.back() < 2)
      s.fail("there is no sphere in one dimension", loom::Shape(extents).text(), "a last extent of at least 2");
  }
  explicit UniformOnSphere(const loom::Options&) {}

  void forward(const loom::Forward& f) const override {
    const auto y = f.output("y");
    const auto dim = static_cast<std::size_t>(y.shape().back());
    const double density = -sphere::log_area(static_cast<std::int64_t>(dim)) * static_cast<double>(y[0].size() / dim);
    for (std::int64_t n = 0; n < f.rows; ++n) {
      f.output("log_density")[n][0] = static_cast<float>(density);
      if (f.has_input("z")) {
        std::ranges::copy(f.input("z")[n], y[n].begin());
        continue;
      }
      f.normal(n, y[n]);
      for (std::size_t at = 0; at < y[n].size(); at += dim) normalise(y[n].subspan(at, dim));
    }
  }
  void backward(const loom::Backward& b) const override {
    if (b.wants_diff("z")) std::ranges::copy(b.diff_output("y").values(), b.diff_input("z").data());
  }

 private:
  static void normalise(std::span<float> values) {
    double square = 0;
    for (const double value : values) square += value * value;
    if (square == 0) values[0] = 1, square = 1;
    for (float& value : values) value = static_cast<float>(value / std::sqrt(square));
  }
};

}  // namespace

LOOM_NODE(UniformOnSphere, "hyperspherical_uniform")
