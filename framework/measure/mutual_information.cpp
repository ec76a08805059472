#include "measure/mutual_information.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/random.h"

namespace loom::measure {
namespace {

constexpr std::int64_t kChunk = 16;     // items of a task
constexpr double kNegligible = 45;      // e^-45 is less than the rounding of a sum of at least 1

// The posteriors, value by value, so that the loop over them is contiguous.
struct Posteriors {
  std::size_t count, values;
  std::vector<double> mean, precision, log_scale;  // [values][count]; log_scale: -1/2 sum of the log variances

  Posteriors(const TensorView& mu, const TensorView& logvar)
      : count(static_cast<std::size_t>(mu.samples())),
        values(static_cast<std::size_t>(mu.per_sample())),
        mean(count * values),
        precision(count * values),
        log_scale(count) {
    for (std::size_t m = 0; m < count; ++m) {
      const auto means = mu[static_cast<std::int64_t>(m)], logs = logvar[static_cast<std::int64_t>(m)];
      for (std::size_t v = 0; v < values; ++v) {
        mean[v * count + m] = static_cast<double>(means[v]);
        precision[v * count + m] = std::exp(-static_cast<double>(logs[v]));
        log_scale[m] -= 0.5 * static_cast<double>(logs[v]);
      }
    }
  }

  // ln q(z|x_m) of every m, without the constant that all share.
  void log_densities(const std::vector<double>& z, std::vector<double>& out) const {
    out = log_scale;
    for (std::size_t v = 0; v < values; ++v) {
      const double at = z[v];
      const double *means = mean.data() + v * count, *precisions = precision.data() + v * count;
      double* sums = out.data();
      for (std::size_t m = 0; m < count; ++m) {
        const double distance = at - means[m];
        sums[m] -= 0.5 * distance * distance * precisions[m];
      }
    }
  }
};

double log_sum_exp(const std::vector<double>& values) {
  const double largest = *std::ranges::max_element(values);
  double sum = 0;
  for (const double value : values) {
    if (value > largest - kNegligible || !(value <= largest)) sum += std::exp(value - largest);  // NaN stays NaN
  }
  return largest + std::log(sum);
}

}  // namespace

double mutual_information(const TensorView& mu, const TensorView& logvar, std::uint64_t seed, Executor& executor) {
  const Posteriors posteriors(mu, logvar);
  const RandomStream random(seed, stream_of("measure/mutual_information"), 0);
  const auto count = static_cast<std::int64_t>(posteriors.count);
  std::vector<double> gains(posteriors.count);  // ln q(z|x) - ln q(z) of each item
  executor.parallel_for(count, kChunk, [&](std::int64_t first, std::int64_t last) {
    std::vector<float> noise(posteriors.values);
    std::vector<double> z(posteriors.values), densities;
    for (std::int64_t i = first; i < last; ++i) {
      random.normal(static_cast<std::uint32_t>(i), noise);
      for (std::size_t v = 0; v < posteriors.values; ++v) {
        z[v] = static_cast<double>(mu[i][v]) +
               std::exp(0.5 * static_cast<double>(logvar[i][v])) * static_cast<double>(noise[v]);
      }
      posteriors.log_densities(z, densities);
      const auto own = static_cast<std::size_t>(i);
      gains[own] = densities[own] - (log_sum_exp(densities) - std::log(static_cast<double>(count)));
    }
  });
  double sum = 0;
  for (const double gain : gains) sum += gain;
  return sum / static_cast<double>(count);
}

std::int64_t affordable_posteriors(std::int64_t values, double work, std::int64_t most) {
  const double affordable = std::sqrt(work / static_cast<double>(std::max<std::int64_t>(1, values)));
  return std::clamp<std::int64_t>(static_cast<std::int64_t>(affordable), 2, std::max<std::int64_t>(2, most));
}

}  // namespace loom::measure
