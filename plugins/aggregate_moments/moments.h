// Mean and covariance of a mixture of diagonal Gaussians, one component after the other, and the divergence of the
// Gaussian with these moments from N(0, I). In double, with Welford's update, so that means far from 0 lose no digits.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

namespace aggregate {

struct Divergence {
  double means = 0, scales = 0, correlations = 0;  // nats, >= 0
};

class Moments {
 public:
  Moments() = default;
  explicit Moments(std::size_t dimensions)
      : mean_(dimensions), before_(dimensions), variance_(dimensions), products_(dimensions * dimensions) {}

  void add(std::span<const float> mu, std::span<const float> logvar) {
    ++count_;
    for (std::size_t i = 0; i < mean_.size(); ++i) {
      before_[i] = static_cast<double>(mu[i]) - mean_[i];
      mean_[i] += before_[i] / static_cast<double>(count_);
      variance_[i] += std::exp(static_cast<double>(logvar[i]));
    }
    for (std::size_t i = 0; i < mean_.size(); ++i) {
      const double after = static_cast<double>(mu[i]) - mean_[i];
      for (std::size_t j = 0; j <= i; ++j) products_[i * mean_.size() + j] += after * before_[j];
    }
  }

  std::size_t dimensions() const { return mean_.size(); }
  std::int64_t count() const { return count_; }
  double mean(std::size_t i) const { return mean_[i]; }
  double covariance(std::size_t i, std::size_t j) const {
    const double spread = products_[i < j ? j * mean_.size() + i : i * mean_.size() + j];
    return (spread + (i == j ? variance_[i] : 0)) / static_cast<double>(count_);
  }

  // S is the sum of a covariance and of positive variances, so it has a Cholesky factor; where rounding leaves none,
  // the divergence is infinite.
  Divergence divergence() const {
    Divergence nats;
    std::vector<double> factor(products_.size());
    for (std::size_t i = 0; i < mean_.size(); ++i) {
      const double scale = covariance(i, i);
      nats.means += 0.5 * mean_[i] * mean_[i];
      nats.scales += 0.5 * (scale - 1 - std::log(scale));
      nats.correlations += 0.5 * (std::log(scale) - 2 * std::log(next_row(factor, i)));
    }
    return nats;
  }

 private:
  // Row i of the Cholesky factor, the rows above being known; its diagonal element, 0 if there is no factor.
  double next_row(std::vector<double>& factor, std::size_t i) const {
    double* const row = factor.data() + i * mean_.size();
    double rest = covariance(i, i);
    for (std::size_t j = 0; j < i; ++j) {
      const double* const other = factor.data() + j * mean_.size();
      double sum = covariance(i, j);
      for (std::size_t k = 0; k < j; ++k) sum -= row[k] * other[k];
      row[j] = sum / other[j];
      rest -= row[j] * row[j];
    }
    return row[i] = std::sqrt(std::max(rest, 0.0));
  }

  std::int64_t count_ = 0;
  std::vector<double> mean_, before_, variance_;  // before_: the distance of the new component from the old mean
  std::vector<double> products_;                  // [D, D], lower half: sums of products of distances
};

}  // namespace aggregate
