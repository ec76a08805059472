// The moments of the aggregate posterior q(z) = mean_x q(z|x), compared with those of the prior N(0, I).
//   mean m = E[mu],  covariance S = Cov[mu] + E[diag(exp(logvar))]
//   KL(N(m, S) || N(0, I)) = 1/2 |m|^2                            means
//                          + 1/2 sum_i (S_ii - 1 - ln S_ii)       scales
//                          + 1/2 (sum_i ln S_ii - ln det S)       correlations
// The logarithms of N(m, S) and N(0, I) are quadratic, and q(z) has the moments of N(m, S), so KL(q(z) || N(0, I)) is
// this plus KL(q(z) || N(m, S)) >= 0: a lower bound. In contrast, the metric `aggregate_kl` is too large if the
// mutual information reaches the maximum for its number of posteriors.
// Aggregate posterior: Makhzani et al. 2016, Adversarial Autoencoders; Hoffman and Johnson 2016, ELBO Surgery.
#include <loom/metric.h>

#include <cmath>

#include "moments.h"

namespace {

class AggregateMoments final : public loom::Metric {
 public:
  static void declare(loom::Contract& c) {
    c.summary("The moments of the aggregate posterior compared with those of a standard normal prior");
    c.source("Hoffman and Johnson 2016, ELBO Surgery; Makhzani et al. 2016, Adversarial Autoencoders");
    c.measures(loom::Measured::posteriors);
    c.input("mu", "[N, ...P, D]", "mean of the posterior");
    c.input("logvar", "[N, ...P, D]", "logarithm of its variance");
    c.option("max_dimensions", 512, loom::integer().at_least(1),
             "the metric is left out for a larger D: it keeps D^2 numbers");
    c.value(
         "moment_kl", "KL of the aggregate's moments", "nats",
         "KL(N(m, S) || N(0, I)) of one position, a lower bound of its aggregate KL; the sum of the next three; >= 0")
        .curve();
    c.value("mean_kl", "of means", "nats", "1/2 |m|^2: the codes are not centred; >= 0");
    c.value("scale_kl", "of scales", "nats", "1/2 sum (S_ii - 1 - ln S_ii): too narrow or too wide; >= 0");
    c.value("correlation_kl", "of correlations", "nats",
            "1/2 (sum ln S_ii - ln det S): the dimensions depend on each other; >= 0");
    c.value("aggregate_deviations", "standard deviations of the aggregate", "",
            "sqrt(S_ii) of each dimension; 1 for the prior");
  }

  explicit AggregateMoments(const loom::Options& options) : limit_(options.integer("max_dimensions")) {}

  void begin(const loom::MetricPass& pass) override { fixed_prior_ = pass.fixed_prior; }

  // Positions of a spatial latent variable are rows like samples: its prior is the same at each.
  void add(std::span<const loom::TensorView> inputs) override {
    const loom::Shape& shape = inputs[0].shape();
    const std::int64_t dimensions = shape.rank() < 2 ? 1 : shape.back();
    if (!fixed_prior_ || dimensions > limit_) return;
    if (moments_.dimensions() == 0) moments_ = aggregate::Moments(static_cast<std::size_t>(dimensions));
    const auto mu = inputs[0].values(), logvar = inputs[1].values();
    for (std::size_t at = 0; at < mu.size(); at += moments_.dimensions())
      moments_.add(mu.subspan(at, moments_.dimensions()), logvar.subspan(at, moments_.dimensions()));
  }

  // Nothing for a prior that depends on the data, beyond max_dimensions, or without samples.
  std::vector<loom::MetricResult> finish() override {
    if (moments_.count() == 0) return {};
    const aggregate::Divergence nats = moments_.divergence();
    std::vector<double> deviations;
    for (std::size_t d = 0; d < moments_.dimensions(); ++d) deviations.push_back(std::sqrt(moments_.covariance(d, d)));
    return {{"moment_kl", nats.means + nats.scales + nats.correlations},
            {"mean_kl", nats.means},
            {"scale_kl", nats.scales},
            {"correlation_kl", nats.correlations},
            {"aggregate_deviations", loom::list_of(deviations)}};
  }

 private:
  std::int64_t limit_;
  bool fixed_prior_ = true;
  aggregate::Moments moments_;
};

}  // namespace

LOOM_METRIC(AggregateMoments, "aggregate_moments")
