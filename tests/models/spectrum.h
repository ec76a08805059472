// Eigenvalues and eigenvectors of small symmetric matrices, for closed forms of linear models.
#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace loom::check {

using Rows = std::vector<std::vector<double>>;

struct Spectrum {
  std::vector<double> values;  // largest first
  Rows vectors;                // one a row, in the order of the values
};

// Cyclic Jacobi rotations (Golub and Van Loan, Matrix Computations, 8.5).
inline Spectrum spectrum_of(Rows a) {
  const std::size_t n = a.size();
  Rows v(n, std::vector<double>(n));
  for (std::size_t i = 0; i < n; ++i) v[i][i] = 1;
  for (int sweep = 0; sweep < 50; ++sweep) {
    for (std::size_t p = 0; p < n; ++p) {
      for (std::size_t q = p + 1; q < n; ++q) {
        if (a[p][q] == 0) continue;
        const double angle = (a[q][q] - a[p][p]) / (2 * a[p][q]);
        const double t = (angle >= 0 ? 1 : -1) / (std::abs(angle) + std::sqrt(1 + angle * angle));
        const double c = 1 / std::sqrt(1 + t * t), s = t * c;
        for (std::size_t i = 0; i < n; ++i) {
          const double ip = a[i][p], iq = a[i][q];
          a[i][p] = c * ip - s * iq;
          a[i][q] = s * ip + c * iq;
        }
        for (std::size_t i = 0; i < n; ++i) {
          const double pi = a[p][i], qi = a[q][i];
          a[p][i] = c * pi - s * qi;
          a[q][i] = s * pi + c * qi;
          const double vp = v[p][i], vq = v[q][i];
          v[p][i] = c * vp - s * vq;
          v[q][i] = s * vp + c * vq;
        }
      }
    }
  }
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t i, std::size_t j) { return a[i][i] > a[j][j]; });
  Spectrum spectrum;
  for (const std::size_t i : order) {
    spectrum.values.push_back(a[i][i]);
    spectrum.vectors.push_back(v[i]);
  }
  return spectrum;
}

// Of the samples about their mean, divided by their number: that of the maximum likelihood.
inline Rows covariance_of(const Rows& samples) {
  const std::size_t n = samples.front().size();
  const auto count = static_cast<double>(samples.size());
  std::vector<double> mean(n);
  for (const auto& x : samples) {
    for (std::size_t i = 0; i < n; ++i) mean[i] += x[i] / count;
  }
  Rows covariance(n, std::vector<double>(n));
  for (const auto& x : samples) {
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) covariance[i][j] += (x[i] - mean[i]) * (x[j] - mean[j]) / count;
    }
  }
  return covariance;
}

}  // namespace loom::check
