// Whether latent dimensions carry information. An active dimension has Var_x(E_q[z]) above a threshold (Burda et al.
// 2016, section 5.2); the mutual information is that of mutual_information.h, from M items spread evenly over the pass.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "loom/metric.h"
#include "measure/mutual_information.h"

namespace loom::measure {
namespace {

// The largest M, and the largest M^2 x values; small enough for every evaluation of a training job.
constexpr std::int64_t kPosteriors = 5000, kPosteriorsInTraining = 1000;
constexpr double kWork = 4e9, kWorkInTraining = 2e8;

class Collapse final : public Metric {
 public:
  static void declare(Contract& c);
  explicit Collapse(const Options& options) : threshold_(options.number("active_variance")) {}

  void begin(const MetricPass& pass) override { pass_ = pass; }
  void add(std::span<const TensorView> inputs) override;
  std::vector<MetricResult> finish() override;

 private:
  void start(const TensorView& mu, const TensorView& logvar, const TensorView& kl);
  void keep(std::span<const float> mu, std::span<const float> logvar);
  std::vector<double> variances() const;

  double threshold_;
  MetricPass pass_;
  std::int64_t seen_ = 0, dimensions_ = 0;
  std::vector<double> kl_;              // per dimension
  std::vector<double> mean_, squares_;  // per latent value: running mean, sum of squared distances from it (Welford)
  Tensor mu_, logvar_;                  // values of the kept items
  std::int64_t kept_ = 0, wanted_ = 0;
};

void Collapse::declare(Contract& c) {
  c.summary("Whether the dimensions of a latent variable carry information").measures(Measured::posteriors);
  c.source("Burda et al. 2016, section 5.2; Hoffman and Johnson 2016; He et al. 2019");
  c.input("mu", "[N, ...P, D]", "mean of the posterior");
  c.input("logvar", "[N, ...P, D]", "logarithm of its variance").optional();
  c.input("per_dimension", "[N, ...P, D]", "nats of each latent value").optional();
  c.option("active_variance", 0.01, at_least(0), "a dimension is active if its means vary by more than this");
  c.value("dimensions", "dimensions", "", "extent of the last axis of the latent variable");
  c.value("active_units", "active units", "", "number of dimensions with `variance_of_means` above 0.01").curve();
  c.value("collapsed", "collapsed dimensions", "", "the other dimensions, by index");
  c.value("kl_per_dimension", "KL per dimension", "nats", "mean over the data, summed over positions, >= 0").curve();
  c.value("variance_of_means", "variance of the means", "",
          "Var_x(E_q[z]) of each dimension, averaged over positions, in the unit of z squared");
  c.value("mutual_information", "mutual information", "nats",
          "I_q(x; z) = E[ln q(z|x) - ln q(z)], q(z) = 1/M sum_m q(z|x_m) by log-sum-exp; 0 to ln M")
      .curve();
  c.value("mutual_information_posteriors", "posteriors of the estimate", "",
          "M: 5,000 items spread evenly over the split, fewer for wide latent variables");
  c.value("aggregate_kl", "aggregate KL", "nats", "KL(q(z) || p(z)) = E KL(q(z|x) || p(z)) - I_q(x; z)");
}

void Collapse::start(const TensorView& mu, const TensorView& logvar, const TensorView& kl) {
  const Shape event = mu.shape().event();
  const std::int64_t values = event.count();
  dimensions_ = event.rank() == 0 ? 1 : event.back();
  mean_.resize(static_cast<std::size_t>(values));
  squares_.resize(static_cast<std::size_t>(values));
  const Shape nats = kl.empty() ? Shape() : kl.shape().event();
  if (!kl.empty() && (nats.rank() == 0 ? dimensions_ == 1 : nats.back() == dimensions_))
    kl_.resize(static_cast<std::size_t>(dimensions_));
  if (logvar.empty()) return;
  const bool small = pass_.in_training;
  wanted_ = std::min(pass_.samples, affordable_posteriors(values, small ? kWorkInTraining : kWork,
                                                          small ? kPosteriorsInTraining : kPosteriors));
  mu_ = Tensor(DType::f32, {wanted_, values});
  logvar_ = Tensor(DType::f32, {wanted_, values});
}

void Collapse::add(std::span<const TensorView> inputs) {
  const TensorView &mu = inputs[0], &logvar = inputs[1], &kl = inputs[2];
  if (seen_ == 0) start(mu, logvar, kl);
  for (std::int64_t n = 0; n < mu.samples(); ++n, ++seen_) {
    const auto values = mu[n];
    const double share = 1 / static_cast<double>(seen_ + 1);
    for (std::size_t v = 0; v < values.size(); ++v) {
      const double distance = static_cast<double>(values[v]) - mean_[v];
      mean_[v] += distance * share;
      squares_[v] += distance * (static_cast<double>(values[v]) - mean_[v]);
    }
    if (!kl_.empty()) {
      const auto row = kl[n];
      for (std::size_t i = 0, d = 0; i < row.size(); ++i, d = d + 1 == kl_.size() ? 0 : d + 1)
        kl_[d] += static_cast<double>(row[i]);
    }
    if (kept_ < wanted_ && seen_ * wanted_ / pass_.samples >= kept_) keep(values, logvar[n]);
  }
}

void Collapse::keep(std::span<const float> mu, std::span<const float> logvar) {
  std::ranges::copy(mu, mu_.view()[kept_].begin());
  std::ranges::copy(logvar, logvar_.view()[kept_].begin());
  ++kept_;
}

std::vector<double> Collapse::variances() const {
  std::vector<double> variances(static_cast<std::size_t>(dimensions_));
  const double positions = static_cast<double>(static_cast<std::int64_t>(squares_.size()) / dimensions_);
  for (std::size_t v = 0; v < squares_.size(); ++v)
    variances[v % variances.size()] += squares_[v] / static_cast<double>(seen_) / positions;
  return variances;
}

std::vector<MetricResult> Collapse::finish() {
  if (seen_ == 0) return {};
  std::vector<double> kl;
  double rate = 0;
  for (const double sum : kl_) {
    kl.push_back(sum / static_cast<double>(seen_));
    rate += kl.back();
  }
  const std::vector<double> variance = variances();
  std::vector<std::int64_t> collapsed;
  for (std::size_t d = 0; d < variance.size(); ++d)
    if (!(variance[d] > threshold_)) collapsed.push_back(static_cast<std::int64_t>(d));
  std::vector<MetricResult> results = {
      {"dimensions", dimensions_},
      {"active_units", dimensions_ - static_cast<std::int64_t>(collapsed.size()), fmt::format("of {}", dimensions_)},
      {"collapsed", list_of(collapsed)},
      {"kl_per_dimension", list_of(kl)},
      {"variance_of_means", list_of(variance)}};
  OptionValue information, aggregate;
  std::string note;
  if (kept_ > 1) {
    const double nats =
        mutual_information(mu_.view().rows(0, kept_), logvar_.view().rows(0, kept_), pass_.seed, *pass_.threads);
    information = nats;
    if (!kl.empty() && pass_.fixed_prior) aggregate = rate - nats;
    note = fmt::format("the estimate is at most ln M = {:.2f} nats", std::log(static_cast<double>(kept_)));
  }
  results.push_back({"mutual_information", information});
  results.push_back({"mutual_information_posteriors", kept_ > 1 ? kept_ : 0, note});
  results.push_back({"aggregate_kl", aggregate});
  return results;
}

LOOM_METRIC(Collapse, "collapse")

}  // namespace
}  // namespace loom::measure
