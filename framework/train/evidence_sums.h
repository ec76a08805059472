// The values of a graph's evidence over a pass: bounds, exact likelihoods, reconstructions.
//
// Ownership: refers to the evidence. Thread safety: one thread. Errors: none.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "loom/metric.h"
#include "train/evidence.h"
#include "train/moments.h"

namespace loom {

// The values that every evaluation gives, as the declaration of a metric.
const Contract& evidence_contract();

class EvidenceSums {
 public:
  explicit EvidenceSums(const Evidence& evidence);

  // What was computed for one item, of each part: nats; the rate that it commits, NaN if it has none; the values of its
  // target that are there.
  struct Item {
    std::function<double(std::size_t part)> nats, committed, values;
  };
  void add(const Item& item);
  void add_nll(double nats) { nll_.add(nats); }  // the importance-weighted estimate for one item

  // Under "" for a single bound, else under "bounds/NAME"; and what is missing, as a finding.
  std::vector<MetricValue> values(std::int64_t nll_samples, const std::string& split) const;
  const Moments& part(std::size_t p) const { return parts_[p]; }
  // Of parts that are no losses by themselves, the levels of a hierarchy: nats by their names.
  std::vector<std::pair<std::string, double>> levels(const std::vector<LossTerm>& losses) const;

 private:
  struct Sums {
    Moments total, rate, distortion, committed, values;
  };
  void add_values(const Bound& bound, const Sums& sums, std::vector<MetricResult>& results) const;

  const Evidence& evidence_;
  std::vector<Sums> bounds_;
  std::vector<Moments> parts_;
  Moments nll_;
};

}  // namespace loom
