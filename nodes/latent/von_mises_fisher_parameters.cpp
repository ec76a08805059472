// The parameters of a von Mises-Fisher posterior q(z|x) from two linear layers' outputs.
//   mu    = direction / |direction|         [N, ...E, M], a point on the unit sphere of R^M
//   kappa = least + softplus(concentration) [N, ...E, 1]
// Davidson et al. 2018, Hyperspherical Variational Auto-Encoders; a least kappa of 1 as in their
// experiments. If |direction| < 1e-12, mu is the first axis and has no gradient.
#include "loom/node.h"

#include <algorithm>
#include <cmath>

namespace {

constexpr double kLeastNorm = 1e-12;

double norm_of(std::span<const float> values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return std::sqrt(sum);
}

class VonMisesFisherParameters final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Mean direction and concentration of a von Mises-Fisher posterior");
    c.source("Davidson et al. 2018, Hyperspherical Variational Auto-Encoders");
    c.input("direction", "[N, ...E, M]", "any vector that is not 0");
    c.input("concentration", "[N, ...E, 1]", "any number");
    c.output("mu", "[N, ...E, M]", "mean direction, of length 1");
    c.output("kappa", "[N, ...E, 1]", "concentration, at least `least`");
    c.option("least", 1.0, loom::at_least(0), "smallest kappa; at 0 the distribution is uniform");
    c.backward_reads({"direction", "concentration", "mu"});
  }
  explicit VonMisesFisherParameters(const loom::Options& o) : least_(o.number("least")) {}

  void forward(const loom::Forward& f) const override {
    const auto direction = f.input("direction"), concentration = f.input("concentration");
    const auto mu = f.output("mu"), kappa = f.output("kappa");
    const auto dim = static_cast<std::size_t>(direction.shape().back());
    for (std::size_t row = 0; row < kappa.values().size(); ++row) {
      const auto from = direction.values().subspan(row * dim, dim), to = mu.values().subspan(row * dim, dim);
      const double norm = norm_of(from);
      if (norm < kLeastNorm) {
        std::ranges::fill(to, 0.0F);
        to[0] = 1;
      } else {
        std::ranges::transform(from, to.begin(), [norm](double v) { return static_cast<float>(v / norm); });
      }
      const double c = concentration.values()[row];
      kappa.values()[row] = static_cast<float>(least_ + std::max(c, 0.0) + std::log1p(std::exp(-std::abs(c))));
    }
  }

  // diff direction = (diff mu - mu (mu . diff mu)) / |direction|,   diff concentration = diff kappa sigmoid
  void backward(const loom::Backward& b) const override {
    const auto direction = b.input("direction"), concentration = b.input("concentration"), mu = b.output("mu");
    const auto dim = static_cast<std::size_t>(direction.shape().back());
    for (std::size_t row = 0; row < concentration.values().size(); ++row) {
      if (b.wants_diff("concentration")) {
        const double c = concentration.values()[row], above = b.diff_output("kappa").values()[row];
        b.diff_input("concentration").values()[row] = static_cast<float>(above / (1 + std::exp(-c)));
      }
      if (!b.wants_diff("direction")) continue;
      const auto part = [&](const loom::TensorView& whole) { return whole.values().subspan(row * dim, dim); };
      const auto unit = part(mu), above = part(b.diff_output("mu")), diff = part(b.diff_input("direction"));
      const double norm = norm_of(part(direction));
      double along = 0;
      for (std::size_t i = 0; i < dim; ++i) along += static_cast<double>(unit[i]) * static_cast<double>(above[i]);
      for (std::size_t i = 0; i < dim; ++i)
        diff[i] = norm < kLeastNorm ? 0.0F : static_cast<float>((above[i] - along * unit[i]) / norm);
    }
  }

 private:
  double least_;
};

}  // namespace

LOOM_NODE(VonMisesFisherParameters, "von_mises_fisher_parameters")
