#include "measure/collapse.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "measure/mutual_information.h"

namespace loom::measure {

std::vector<std::int64_t> Collapse::active() const {
  std::vector<std::int64_t> dimensions;
  for (std::size_t d = 0; d < variance.size(); ++d)
    if (variance[d] > kActiveVariance) dimensions.push_back(static_cast<std::int64_t>(d));
  return dimensions;
}

std::vector<std::int64_t> Collapse::collapsed() const {
  std::vector<std::int64_t> dimensions;
  for (std::size_t d = 0; d < variance.size(); ++d)
    if (!(variance[d] > kActiveVariance)) dimensions.push_back(static_cast<std::int64_t>(d));
  return dimensions;
}

struct CollapseWatch::Sums {
  std::vector<double> kl;             // per dimension
  std::vector<double> mean, squares;  // per latent value: running mean, sum of squared distances from it (Welford)
  Tensor mu, logvar;                  // of the kept items
  std::int64_t kept = 0, wanted = 0;

  void add_means(std::span<const float> values, std::int64_t count) {
    const double share = 1 / static_cast<double>(count);
    for (std::size_t v = 0; v < values.size(); ++v) {
      const double distance = static_cast<double>(values[v]) - mean[v];
      mean[v] += distance * share;
      squares[v] += distance * (static_cast<double>(values[v]) - mean[v]);
    }
  }
};

CollapseWatch::CollapseWatch(const Graph& graph, std::vector<Posterior> posteriors, CollapseLimits limits)
    : posteriors_(std::move(posteriors)), limits_(limits) {
  for (const Posterior& posterior : posteriors_) {
    auto sums = std::make_unique<Sums>();
    const std::int64_t values = graph.shape(posterior.mu).event().count();
    if (posterior.per_dimension.valid()) sums->kl.resize(static_cast<std::size_t>(posterior.dimensions));
    sums->mean.resize(static_cast<std::size_t>(values));
    sums->squares.resize(static_cast<std::size_t>(values));
    sums_.push_back(std::move(sums));
  }
}

CollapseWatch::~CollapseWatch() = default;

std::vector<Port> CollapseWatch::ports() const {
  std::vector<Port> ports;
  for (const Posterior& posterior : posteriors_) {
    ports.push_back(posterior.mu);
    if (posterior.logvar.valid()) ports.push_back(posterior.logvar);
    if (posterior.per_dimension.valid()) ports.push_back(posterior.per_dimension);
  }
  return ports;
}

void CollapseWatch::begin(std::int64_t samples) {
  samples_ = samples;
  seen_ = 0;
  for (std::size_t p = 0; p < posteriors_.size(); ++p) {
    Sums& sums = *sums_[p];
    std::ranges::fill(sums.kl, 0.0);
    std::ranges::fill(sums.mean, 0.0);
    std::ranges::fill(sums.squares, 0.0);
    sums.kept = sums.wanted = 0;
    if (!posteriors_[p].logvar.valid()) continue;
    const auto values = static_cast<std::int64_t>(sums.mean.size());
    sums.wanted = std::min(samples, affordable_posteriors(values, limits_.work, limits_.posteriors));
    if (sums.mu.count() == sums.wanted * values) continue;
    sums.mu = Tensor(DType::f32, {sums.wanted, values});
    sums.logvar = Tensor(DType::f32, {sums.wanted, values});
  }
}

void CollapseWatch::add(std::span<const TensorView> values, std::int64_t samples) {
  std::size_t port = 0;
  for (std::size_t p = 0; p < posteriors_.size(); ++p) {
    const Posterior& posterior = posteriors_[p];
    Sums& sums = *sums_[p];
    const TensorView mu = values[port++], logvar = posterior.logvar.valid() ? values[port++] : TensorView();
    const TensorView kl = posterior.per_dimension.valid() ? values[port++] : TensorView();
    for (std::int64_t n = 0; n < samples; ++n) {
      const std::int64_t item = seen_ + n;
      sums.add_means(mu[n], item + 1);
      if (!kl.empty()) {
        const auto row = kl[n];
        for (std::size_t i = 0, d = 0; i < row.size(); ++i, d = d + 1 == sums.kl.size() ? 0 : d + 1)
          sums.kl[d] += static_cast<double>(row[i]);
      }
      if (sums.kept < sums.wanted && item * sums.wanted / samples_ >= sums.kept) {
        std::ranges::copy(mu[n], sums.mu.view()[sums.kept].begin());
        std::ranges::copy(logvar[n], sums.logvar.view()[sums.kept].begin());
        ++sums.kept;
      }
    }
  }
  seen_ += samples;
}

std::vector<Collapse> CollapseWatch::measure(Executor& executor) const {
  std::vector<Collapse> all;
  if (seen_ == 0) return all;
  const auto count = static_cast<double>(seen_);
  for (std::size_t p = 0; p < posteriors_.size(); ++p) {
    const Posterior& posterior = posteriors_[p];
    const Sums& sums = *sums_[p];
    Collapse result;
    result.name = posterior.name;
    double rate = 0;
    for (const double sum : sums.kl) {
      result.kl.push_back(sum / count);
      rate += result.kl.back();
    }
    result.variance.resize(static_cast<std::size_t>(posterior.dimensions));
    for (std::size_t v = 0; v < sums.squares.size(); ++v)
      result.variance[v % result.variance.size()] += sums.squares[v] / count / static_cast<double>(posterior.positions);
    if (sums.kept > 1) {
      result.posteriors = sums.kept;
      result.mutual_information = mutual_information(sums.mu.view().rows(0, sums.kept),
                                                     sums.logvar.view().rows(0, sums.kept), limits_.seed, executor);
      if (!result.kl.empty() && !posterior.prior_reads_data) result.aggregate_kl = rate - *result.mutual_information;
    }
    all.push_back(std::move(result));
  }
  return all;
}

std::vector<std::pair<std::string, double>> curves_of(const std::vector<Collapse>& measured) {
  std::vector<std::pair<std::string, double>> curves;
  for (const Collapse& one : measured) {
    const std::string prefix = measured.size() > 1 ? one.name + "." : "";
    curves.emplace_back(prefix + "active_units", static_cast<double>(one.active().size()));
    if (one.mutual_information) curves.emplace_back(prefix + "mutual_information", *one.mutual_information);
    if (one.kl.empty()) continue;
    std::vector<double> sorted = one.kl;
    std::ranges::sort(sorted);
    curves.emplace_back(prefix + "kl_per_dimension.largest", sorted.back());
    curves.emplace_back(prefix + "kl_per_dimension.median",
                        0.5 * (sorted[(sorted.size() - 1) / 2] + sorted[sorted.size() / 2]));
    curves.emplace_back(prefix + "kl_per_dimension.smallest", sorted.front());
  }
  return curves;
}

WatchedFigures CollapseWatch::finish(Executor& executor) { return {curves_of(measure(executor)), {}}; }

}  // namespace loom::measure
