// The derivative of the angle of a von Mises-Fisher draw with respect to kappa at a fixed value of the distribution
// function: dtheta / dkappa at F(theta; kappa) = u. It gives the exact gradient of every expectation, without a
// correction term.
//   density of theta  proportional to e^l,  l = kappa cos theta + (m - 2) ln sin theta,  theta in [0, pi]
//   dtheta / dkappa = -integral from 0 to theta of (cos phi - A) e^(l(phi) - l(theta)) dphi
//                   =  integral from theta to pi of the same,  A the mean of the cosine
// The integral whose integrand keeps its sign is used.
// Figurnov, Mohamed and Mnih 2018, Implicit Reparameterization Gradients, section 3.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace sphere {

class ImplicitAngle {
 public:
  ImplicitAngle(std::int64_t dim, double kappa, double mean)
      : power_(static_cast<double>(dim - 2)),
        kappa_(kappa),
        mean_(mean),
        step_(2 / std::sqrt(kappa + static_cast<double>(dim))) {}

  double slope(double theta) const {
    const bool inner = std::cos(theta) > mean_;
    const double end = inner ? 0 : std::numbers::pi, far = where_it_ends(theta, end);
    const double value = integral(std::min(theta, far), std::max(theta, far), theta);
    return inner ? -value : value;
  }

 private:
  double log_density(double phi) const {
    return kappa_ * std::cos(phi) + (power_ == 0 ? 0 : power_ * std::log(std::sin(phi)));
  }

  // From theta towards `end`, as far as the integrand counts.
  double where_it_ends(double theta, double end) const {
    const double direction = end > theta ? 1 : -1;
    double most = log_density(theta);
    for (double step = step_;; step *= 2) {
      const double phi = theta + direction * step;
      if (direction * (end - phi) <= 0) return end;
      const double here = log_density(phi);
      if (here < most - 45) return phi;
      most = std::max(most, here);
    }
  }

  // Gauss and Legendre, 16 points on each of 4 pieces.
  double integral(double from, double to, double theta) const {
    static constexpr std::array<double, 8> kAt = {0.0950125098376374402, 0.2816035507792589132, 0.4580167776572273863,
                                                  0.6178762444026437485, 0.7554044083550030339, 0.8656312023878317439,
                                                  0.9445750230732325761, 0.9894009349916499326};
    static constexpr std::array<double, 8> kWeight = {
        0.1894506104550684963, 0.1826034150449235889, 0.1691565193950025382, 0.1495959888165767321,
        0.1246289712555338720, 0.0951585116824927848, 0.0622535239386478929, 0.0271524594117540949};
    constexpr int kPieces = 4;
    const double half = (to - from) / (2 * kPieces), level = log_density(theta);
    double sum = 0;
    for (int piece = 0; piece < kPieces; ++piece) {
      const double middle = from + (2 * piece + 1) * half;
      for (std::size_t i = 0; i < kAt.size(); ++i) {
        for (const double phi : {middle - half * kAt[i], middle + half * kAt[i]})
          sum += kWeight[i] * (std::cos(phi) - mean_) * std::exp(log_density(phi) - level);
      }
    }
    return sum * half;
  }

  double power_, kappa_, mean_, step_;
};

}  // namespace sphere
