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
#include "train/evidence_sums.h"
#include "train/metric_set.h"
#include "train/objectives.h"

namespace loom {

struct EvaluationOptions {
  std::string split = "test";
  std::int64_t limit = 0;        // samples; 0: the whole split
  std::int64_t nll_samples = 0;  // draws of the importance-weighted estimate of -ln p(x); 0: none
  bool metrics = true;           // also those that registered metrics compute in the pass
  bool in_training = false;      // see MetricPass
};

struct Evaluation {
  std::string split;  // as evaluated; "" where the data has no splits: on all of it
  std::string data_hash;
  std::int64_t samples = 0;
  double loss = 0;       // the first objective's sum, with the weights that it was given
  bool is_whole = true;  // false: some of its losses are computed in training alone, and are missing in `loss`
  // Where `loss` is not finite: the first value that was not, and what helps; else "".
  std::string not_finite, remedy;
  // Everything that was measured: the values of evidence_contract(); the mean of each loss as "terms", unweighted,
  // "NAME.kl", a divergence whose loss is more, and the divergences that a loss is made of; those of the metrics.
  std::vector<MetricValue> values;

  // Nats per item: the negative ELBO, or an exact negative log-likelihood; none if the losses make neither.
  std::optional<double> evidence() const;
  // A value's number; none if it was not measured or is not defined.
  std::optional<double> number(const std::string& key) const;
  std::vector<std::pair<std::string, double>> terms() const;
};

class Evaluator {
 public:
  struct Setting {
    DataEntry data;
    std::shared_ptr<const DataCard> card;  // of the run, or null
    std::vector<NodeEntry> entries;        // of the graph
    std::int64_t batch = 64, shard = 0;    // samples; shard 0: chosen from the shapes
    int lanes = 0;
    std::uint64_t seed = 1;
    std::string cache = {};  // a folder for what frozen nodes make of the data; "": none
    std::vector<ChosenMetric> metrics = {};
  };
  Evaluator(std::shared_ptr<const Graph> graph, ParameterStore& store, Executor& executor, const Registry& registry,
            std::vector<LossTerm> terms, Setting setting);

  // `weights`: of each term in Evaluation::loss.
  Evaluation run(const EvaluationOptions& options, const std::vector<double>& weights);

 private:
  struct Pass;
  struct Sums;
  Pass& pass(const std::string& split, bool with_ratios, const std::vector<Port>& watched);
  Evaluator* without_large_terms(const EvaluationOptions& options);
  // The terms of a pass, and their places in it.
  ProgramRequest request_for(const Graph& graph, bool with_ratios, Pass& pass) const;
  void add_masks(const Graph& graph, ProgramRequest& request, Pass& pass) const;
  double values_there(const Pass& pass, std::size_t part, std::size_t sample, std::int64_t samples) const;
  void begin_metrics(const Pass& pass, const EvaluationOptions& options);
  void add_batch(Pass& pass, const Batches::View& batch, std::int64_t samples, std::uint32_t number,
                 const EvaluationOptions& options, Sums& sums);
  void find_not_finite(const Pass& pass, const Batches::View& batch, const StepInput& input, Sums& sums);
  void add_first_draw(const Pass& pass, std::int64_t samples, const EvaluationOptions& options, Sums& sums);
  void add_weights(const Pass& pass, Sums& sums) const;
  Evaluation finish(const Pass& pass, const EvaluationOptions& options, const Sums& sums,
                    const std::vector<double>& weights);

  std::shared_ptr<const Graph> graph_;
  ParameterStore& store_;
  Executor& executor_;
  const Registry& registry_;
  std::vector<LossTerm> all_terms_;
  std::vector<LossTerm> terms_;            // those of evaluation
  std::vector<std::size_t> term_indices_;  // in the list that was given
  Evidence evidence_;
  Setting setting_;
  MetricSet metrics_;
  std::map<std::string, std::shared_ptr<Pass>> passes_;         // by split, ratios and ports of metrics
  std::map<std::int64_t, std::unique_ptr<Evaluator>> smaller_;  // by the items of a split
};

}  // namespace loom
