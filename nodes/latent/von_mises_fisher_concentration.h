// What the concentration kappa of a von Mises-Fisher distribution on the unit sphere of R^m determines.
//   M(kappa)  = E e^(kappa t), t a coordinate of a uniform point on the sphere = 0F1(; m/2; kappa^2 / 4)
//               ln q(z) - ln uniform(z) = kappa mu . z - ln M
//   A         = (ln M)' = I_(m/2)(kappa) / I_(m/2 - 1)(kappa), the mean of mu . z
//   A'        = the variance of mu . z
//   KL        = kappa A - ln M, and dKL / dkappa = kappa A'
// M has no cancelling constants, unlike the density's normaliser and the sphere's area, which grow with m.
//
// Up to kKappaOfSeries the power series of 0F1: positive terms only. Beyond, the uniform asymptotic expansion of
// I_nu(kappa) in 1 / sqrt(nu^2 + kappa^2) (Olver; DLMF 10.41.3, 10.41.9), differentiated term by term, so that A' does
// not come from 1 - A^2 - (m - 1) A / kappa, whose terms cancel. Both are within 1e-11 of exact values (test/).
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>

namespace sphere {

struct Moments {
  double log_m = 0;     // ln M
  double mean = 0;      // A
  double variance = 0;  // A'
  double kl(double kappa) const { return kappa * mean - log_m; }
  double kl_slope(double kappa) const { return kappa * variance; }
};

// Immutable; made once for a dimension.
class Concentration {
 public:
  static constexpr double kKappaOfSeries = 60;

  explicit Concentration(std::int64_t dim) : half_dim_(0.5 * static_cast<double>(dim)), nu_(half_dim_ - 1) {
    expand();
    // What is left of ln M where I_nu's leading factor is written out.
    constant_ = std::lgamma(half_dim_) - 0.5 * std::log(2 * std::numbers::pi) + nu_ * std::numbers::ln2;
  }

  // A negative kappa is concentration around -mu: the density e^(kappa mu . z) goes on there, and all is even but A.
  Moments at(double kappa) const {
    const double size = std::abs(kappa);
    Moments moments = size <= kKappaOfSeries ? by_series(size) : by_expansion(size);
    moments.mean = std::copysign(moments.mean, kappa);
    return moments;
  }

 private:
  static constexpr int kOrder = 7;

  Moments by_series(double kappa) const {
    const double square = 0.25 * kappa * kappa;
    double term = 1, sum = 0, first = 0, second = 0;  // sums of t_k, 2k t_k and 2k (2k - 1) t_k from k = 1 on
    for (double k = 1; term > 1e-17 * first || k < 2; ++k) {
      term *= square / (k * (half_dim_ + k - 1));
      sum += term;
      first += 2 * k * term;
      second += 2 * k * (2 * k - 1) * term;
      if (term == 0) break;
    }
    if (kappa < 1e-100) return {0, 0, 1 / (2 * half_dim_)};
    const double m = 1 + sum, mean = first / (kappa * m);
    return {std::log1p(sum), mean, second / (kappa * kappa * m) - mean * mean};
  }

  // I_nu(kappa) = e^(R + nu ln(kappa / (nu + R))) / sqrt(2 pi R) S(1 / R),   R = sqrt(nu^2 + kappa^2)
  Moments by_expansion(double kappa) const {
    const double root = std::hypot(nu_, kappa), r = 1 / root, square = r * r;
    double s = 1, s1 = 0, s2 = 0;  // S and its derivatives by r
    for (int j = static_cast<int>(series_.size()) - 1; j > 0; --j) {
      const double c = series_[static_cast<std::size_t>(j)], power = std::pow(r, j);
      s += c * power;
      s1 += c * j * power * root;
      s2 += c * j * (j - 1) * power * root * root;
    }
    // By kappa: dr = -kappa r^3.
    const double dr = -kappa * r * square, d2r = -r * square + 3 * kappa * kappa * r * square * square;
    const double slope = s1 / s * dr, bend = (s2 * dr * dr + s1 * d2r) / s - slope * slope;
    Moments m;
    m.log_m = constant_ + root - nu_ * std::log(nu_ + root) - 0.5 * std::log(root) + std::log(s);
    m.mean = kappa / (nu_ + root) - 0.5 * kappa * square + slope;
    m.variance = nu_ * r / (nu_ + root) + 0.5 * (kappa * kappa - nu_ * nu_) * square * square + bend;
    return m;
  }

  // The polynomials u_k(p) of DLMF 10.41.9: u_(k+1) = p^2 (1 - p^2) u_k' / 2 + 1/8 integral of (1 - 5 p^2) u_k.
  // With p = nu r, u_k(p) / nu^k is a polynomial in r, of use at nu = 0 too: c p^j / nu^k = c nu^(j - k) r^j.
  void expand() {
    std::array<double, 3 * kOrder + 1> u{1}, next{};
    for (int k = 0; k < kOrder; ++k, u = next) {
      next = {};
      for (int j = k; j <= 3 * k; ++j) {
        const double c = u[static_cast<std::size_t>(j)];
        next[static_cast<std::size_t>(j + 1)] += c * (0.5 * j + 0.125 / (j + 1));
        next[static_cast<std::size_t>(j + 3)] -= c * (0.5 * j + 0.625 / (j + 3));
      }
      for (int j = k + 1; j <= 3 * (k + 1); ++j) {
        const int power = j - (k + 1);
        series_[static_cast<std::size_t>(j)] +=
            next[static_cast<std::size_t>(j)] * (power == 0 ? 1 : std::pow(nu_, power));
      }
    }
  }

  double half_dim_, nu_, constant_ = 0;
  std::array<double, 3 * kOrder + 1> series_{};  // S = 1 + sum over j > 0 of series_[j] r^j
};

// ln of the area of the unit sphere of R^m: 2 pi^(m/2) / Gamma(m/2).
inline double log_area(std::int64_t dim) {
  const double half = 0.5 * static_cast<double>(dim);
  return std::numbers::ln2 + half * std::log(std::numbers::pi) - std::lgamma(half);
}

}  // namespace sphere
