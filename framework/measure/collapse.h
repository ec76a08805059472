// Whether latent dimensions carry information: metrics of posterior collapse, computed in the pass of an evaluation.
//   KL of a dimension       its mean over the data, summed over the positions of the latent variable           [nats]
//   active dimension        Var_x(E_q[z]) > 0.01, the mean over the positions (Burda et al. 2016, section 5.2)
//   mutual information      see mutual_information.h, from M items spread evenly over the pass                 [nats]
//
// Ownership: keeps the values of a pass until the next one begins; refers to nothing. Thread safety: one thread.
// Errors: none of its own; metrics of values that are not finite are not finite.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "measure/posterior.h"
#include "train/evaluation_watch.h"

namespace loom::measure {

inline constexpr double kActiveVariance = 0.01;

struct Collapse {
  std::string name;              // name of the posterior
  std::vector<double> kl;        // per dimension, nats; empty if the divergence has no such output
  std::vector<double> variance;  // of the posterior mean over the data, per dimension
  std::int64_t posteriors = 0;   // M; 0: no mutual information
  std::optional<double> mutual_information, aggregate_kl;  // nats

  std::vector<std::int64_t> active() const;     // dimensions that carry information
  std::vector<std::int64_t> collapsed() const;  // the others
};

struct CollapseLimits {
  std::int64_t posteriors = 5000;  // largest M
  double work = 4e9;               // largest number of terms of the mutual information: M^2 x values
  std::uint64_t seed = 1;
};
// Small enough for every evaluation of a training job.
inline constexpr CollapseLimits kCollapseInTraining{1000, 2e8, 1};

class CollapseWatch : public EvaluationWatch {
 public:
  CollapseWatch(const Graph& graph, std::vector<Posterior> posteriors, CollapseLimits limits);
  ~CollapseWatch() override;

  std::vector<Port> ports() const override;
  void begin(std::int64_t samples) override;
  void add(std::span<const TensorView> values, std::int64_t samples) override;
  // Curves, prefixed with "NAME." if there are several posteriors: active_units, mutual_information,
  // kl_per_dimension.{largest,median,smallest}.
  WatchedFigures finish(Executor& executor) override;

  // For the last finished pass, one per posterior; computes the mutual information.
  std::vector<Collapse> measure(Executor& executor) const;
  const std::vector<Posterior>& posteriors() const { return posteriors_; }

 private:
  struct Sums;
  std::vector<Posterior> posteriors_;
  CollapseLimits limits_;
  std::vector<std::unique_ptr<Sums>> sums_;  // one per posterior
  std::int64_t samples_ = 0, seen_ = 0;
};

// The curves of metrics that have been computed, as finish() returns them.
std::vector<std::pair<std::string, double>> curves_of(const std::vector<Collapse>& measured);

}  // namespace loom::measure
