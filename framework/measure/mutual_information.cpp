#include "measure/mutual_information.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "loom/math.h"
#include "loom/random.h"
#include "measure/density_sums.h"

namespace loom::measure {
namespace {

constexpr std::int64_t kChunk = 16;  // items per task

// The posteriors, value by value, so that the loop over them is contiguous. Densities are sums in single precision:
// only values near the largest matter, where single precision is exact to 1e-5 nats.
struct Posteriors {
  std::size_t count, values;
  std::vector<float> mean, weight;  // [values][count]; weight: half of 1 / variance
  std::vector<float> log_scale;     // [count]: -1/2 sum of the log variances

  Posteriors(const TensorView& mu, const TensorView& logvar)
      : count(static_cast<std::size_t>(mu.samples())),
        values(static_cast<std::size_t>(mu.per_sample())),
        mean(count * values),
        weight(count * values),
        log_scale(count) {
    for (std::size_t m = 0; m < count; ++m) {
      const auto means = mu[static_cast<std::int64_t>(m)], logs = logvar[static_cast<std::int64_t>(m)];
      double sum = 0;
      for (std::size_t v = 0; v < values; ++v) {
        mean[v * count + m] = means[v];
        weight[v * count + m] = 0.5F * std::exp(-logs[v]);
        sum -= 0.5 * static_cast<double>(logs[v]);
      }
      log_scale[m] = static_cast<float>(sum);
    }
  }

  // ln q(z|x_m) of every m, without the common constant.
  void log_densities(const std::vector<float>& z, std::vector<float>& out) const {
    out = log_scale;
    for (std::size_t v = 0; v < values; ++v)
      subtract_weighted_squares(z[v], mean.data() + v * count, weight.data() + v * count, out.data(),
                                static_cast<std::int64_t>(count));
  }
};

}  // namespace

double mutual_information(const TensorView& mu, const TensorView& logvar, std::uint64_t seed, Executor& executor) {
  const Posteriors posteriors(mu, logvar);
  const RandomStream random(seed, stream_of("measure/mutual_information"), 0);
  const auto count = static_cast<std::int64_t>(posteriors.count);
  std::vector<double> gains(posteriors.count);  // ln q(z|x) - ln q(z) per item
  executor.parallel_for(count, kChunk, [&](std::int64_t first, std::int64_t last) {
    std::vector<float> noise(posteriors.values);
    std::vector<float> z(posteriors.values), densities;
    for (std::int64_t i = first; i < last; ++i) {
      random.normal(static_cast<std::uint32_t>(i), noise);
      for (std::size_t v = 0; v < posteriors.values; ++v) {
        z[v] = mu[i][v] + std::exp(0.5F * logvar[i][v]) * noise[v];
      }
      posteriors.log_densities(z, densities);
      const auto own = static_cast<std::size_t>(i);
      gains[own] = static_cast<double>(densities[own]) -
                   (math::log_sum_exp(densities.data(), count) - std::log(static_cast<double>(count)));
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
