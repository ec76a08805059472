#include "train/evidence_sums.h"

#include <fmt/format.h>

#include <numbers>

#include "train/metric_set.h"

namespace loom {

const Contract& evidence_contract() {
  static const Contract contract = [] {
    Contract c;
    c.summary("What the likelihoods, divergences and priors among the losses say of the data, without their weights");
    c.value("negative_elbo", "negative ELBO", "nats",
            "`rate + distortion`, mean per item; of a bound. Kingma and Welling 2014")
        .curve();
    c.value(
         "nll", "negative log-likelihood", "nats",
         "of an exact likelihood: -ln p(x), mean per item. Of a bound, on request: -ln 1/K sum_k p(x, z_k) / q(z_k|x), "
         "K draws; in expectation at most `negative_elbo`. Burda et al. 2016")
        .curve();
    c.value("nll_samples", "draws per item", "", "K of `nll`");
    c.value("reconstruction", "reconstruction", "nats",
            "E[-ln p(x|z)] of a likelihood whose latent variable has no divergence or prior; it bounds nothing")
        .curve();
    c.value("bits_per_dim", "bits per dimension", "bits",
            "`negative_elbo`, or an exact `nll`, over ln 2 x values of the targets; values under a mask of 0 do not "
            "count; "
            "of a density it depends on the unit of the data and may be negative")
        .curve();
    c.value("rate", "rate", "nats",
            "sum of the divergences of a bound, E KL(q(z|x) || p(z)), before free bits or a capacity, >= 0, and of the "
            "priors of its codes, E[-ln p(z)]. Alemi et al. 2018")
        .curve();
    c.value("distortion", "distortion", "nats",
            "sum of the likelihoods of a bound, E_q[-ln p(x|z)], one draw per item. Alemi et al. 2018")
        .curve();
    c.value("committed_rate", "committed rate", "nats",
            "the lowest possible rate, if a divergence declares it (`ar1_kl`, `fixed_variance_kl`). Razavi et al. 2019")
        .curve();
    c.value("finding", "finding", "", "what keeps the losses from being a bound");
    return c;
  }();
  return contract;
}

EvidenceSums::EvidenceSums(const Evidence& evidence)
    : evidence_(evidence), bounds_(evidence.bounds.size()), parts_(evidence.parts.size()) {}

void EvidenceSums::add(const Item& item) {
  for (std::size_t p = 0; p < parts_.size(); ++p) parts_[p].add(item.nats(p));
  for (std::size_t b = 0; b < bounds_.size(); ++b) {
    double rate = 0, distortion = 0, values = 0, committed = 0;
    bool commits = false;
    for (const int part : evidence_.bounds[b].likelihoods) {
      distortion += item.nats(static_cast<std::size_t>(part));
      values += item.values(static_cast<std::size_t>(part));
    }
    for (const int part : evidence_.bounds[b].divergences) {
      rate += item.nats(static_cast<std::size_t>(part));
      const double own = item.committed(static_cast<std::size_t>(part));
      commits = commits || !std::isnan(own);
      committed += std::isnan(own) ? 0 : own;
    }
    Sums& sums = bounds_[b];
    sums.rate.add(rate);
    sums.distortion.add(distortion);
    sums.total.add(distortion + rate);
    sums.values.add(values);
    if (commits) sums.committed.add(committed);
  }
}

void EvidenceSums::add_values(const Bound& bound, const Sums& sums, std::vector<MetricResult>& results) const {
  const auto add = [&](const char* key, const Moments& moments) {
    results.push_back({key, moments.mean(), "", moments.standard_error()});
  };
  const auto add_bits = [&] {
    if (sums.values.sum > 0)
      results.push_back({"bits_per_dim", sums.total.mean() / (std::numbers::ln2 * sums.values.mean())});
  };
  switch (bound.kind) {
    case Bound::Kind::bound:
      add("negative_elbo", sums.total);
      add_bits();
      if (!bound.divergences.empty()) results.push_back({"rate", sums.rate.mean()});
      results.push_back({"distortion", sums.distortion.mean()});
      if (sums.committed.count > 0) results.push_back({"committed_rate", sums.committed.mean()});
      break;
    case Bound::Kind::exact:
      add("nll", sums.total);
      add_bits();
      break;
    case Bound::Kind::reconstruction: add("reconstruction", sums.distortion); break;
    case Bound::Kind::none: break;
  }
  if (!bound.missing.empty()) results.push_back({"finding", "no bound of -ln p(x): " + bound.missing});
}

std::vector<MetricValue> EvidenceSums::values(std::int64_t nll_samples, const std::string& split) const {
  std::vector<MetricValue> all;
  for (std::size_t b = 0; b < bounds_.size(); ++b) {
    std::vector<MetricResult> results;
    add_values(evidence_.bounds[b], bounds_[b], results);
    if (nll_.count > 0 && b == 0) {
      results.push_back({"nll", nll_.mean(), "", nll_.standard_error()});
      results.push_back({"nll_samples", nll_samples});
    }
    const bool alone = bounds_.size() == 1;
    const auto own =
        described(evidence_contract(), std::move(results), alone ? "" : "bounds/" + evidence_.bounds[b].name, split);
    all.insert(all.end(), own.begin(), own.end());
  }
  return all;
}

std::vector<std::pair<std::string, double>> EvidenceSums::levels(const std::vector<LossTerm>& losses) const {
  std::vector<std::pair<std::string, double>> found;
  for (std::size_t p = 0; p < parts_.size(); ++p) {
    const std::string& name = evidence_.parts[p].name;
    if (std::ranges::find(losses, name, &LossTerm::name) == losses.end()) found.emplace_back(name, parts_[p].mean());
  }
  return found;
}

}  // namespace loom
