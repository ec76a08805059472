// Metrics of a model on a split of its data, from a deterministic pass: the same weights, seed and batch give the same
// metrics, and evaluations at different steps draw the same noise.
//
// Ownership: keeps the graph; refers to the registry, store and executor, and shares what it reads of a split.
// Thread safety: one thread. Errors: not_supported if nll_samples needs a value that the graph does not compute;
// those of DataSource, Batches and Program.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data/batches.h"
#include "loom/plugin.h"
#include "run/program.h"
#include "train/evaluation_watch.h"
#include "train/objectives.h"

namespace loom {

struct EvaluationOptions {
  std::string split = "test";
  std::int64_t limit = 0;        // samples; 0: the whole split
  std::int64_t nll_samples = 0;  // draws of the importance-weighted estimate of -ln p(x); 0: none
  EvaluationWatch* watch = nullptr;
};

struct Evaluation {
  std::string split;  // as evaluated; "" where the data has no splits: on all of it
  std::string data_hash;
  std::int64_t samples = 0;
  bool has_likelihood = false;                    // else negative_elbo is not defined
  double negative_elbo = 0;                       // nats per sample: likelihood and divergence terms, unweighted
  double standard_error = 0;                      // of negative_elbo over the samples
  std::optional<double> bits_per_dim;             // negative_elbo / (ln 2 * values of the likelihoods' targets)
  std::optional<double> nll, nll_standard_error;  // nats per sample
  std::optional<double> rate, distortion;         // sums of the divergences and of the likelihoods, nats per sample
  std::optional<double> committed_rate;           // the least that the rate can be, nats; where a divergence says so
  std::vector<std::pair<std::string, double>>
      terms;        // mean of each, nats per sample, unweighted; "NAME.kl": a divergence whose loss is more
  double loss = 0;  // the first objective's weighted sum

  // What training keeps the best of: the negative ELBO where there is a likelihood, else the loss.
  double measure() const { return has_likelihood ? negative_elbo : loss; }
};

class Evaluator {
 public:
  struct Setting {
    DataEntry data;
    std::vector<NodeEntry> entries;      // of the graph
    std::int64_t batch = 64, shard = 0;  // samples; shard 0: chosen from the shapes
    int lanes = 0;
    std::uint64_t seed = 1;
    std::string cache = {};  // a folder for what frozen nodes make of the data; "": none
  };
  Evaluator(std::shared_ptr<const Graph> graph, ParameterStore& store, Executor& executor, const Registry& registry,
            std::vector<LossTerm> terms, Setting setting);

  // `weights`: of each term in Evaluation::loss.
  Evaluation run(const EvaluationOptions& options, const std::vector<double>& weights);

 private:
  struct Pass;
  struct Sums;
  Pass& pass(const std::string& split, bool with_ratios, const std::vector<Port>& watched);
  void add_batch(Pass& pass, const Batches::View& batch, std::int64_t samples, std::uint32_t number,
                 const EvaluationOptions& options, Sums& sums);
  static void show(const Pass& pass, EvaluationWatch& watch, std::int64_t samples);
  void add_rates(const Pass& pass, std::size_t sample, Sums& sums) const;
  Evaluation finish(const Pass& pass, const Sums& sums, const std::vector<double>& weights) const;

  std::shared_ptr<const Graph> graph_;
  ParameterStore& store_;
  Executor& executor_;
  const Registry& registry_;
  std::vector<LossTerm> terms_;            // those of evaluation
  std::vector<std::size_t> term_indices_;  // in the list that was given
  Setting setting_;
  std::map<std::string, std::shared_ptr<Pass>> passes_;  // by split, ratios and watched ports
};

}  // namespace loom
