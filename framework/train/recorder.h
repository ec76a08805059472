// Writes the curves of a run into its metrics: those of every step, which are buffered for a few seconds, and those of
// every evaluation. Without metrics it does nothing.
//
// Ownership: shares the metrics; refers to the plan and the store. Thread safety: one thread. Errors: write_failed. A
// warmed-up step allocates nothing.
#pragma once

#include <memory>
#include <vector>

#include "core/clock.h"
#include "train/codebook_health.h"
#include "train/evaluation.h"
#include "train/metrics.h"
#include "train/stepper.h"

namespace loom {

class Recorder {
 public:
  Recorder(const Graph& graph, const ParameterStore& store, const TrainingPlan& plan)
      : store_(store), plan_(plan), quantizers_(find_quantizer_states(graph, store)) {}

  // From now on into these; null: nowhere.
  void attach(std::shared_ptr<Metrics> metrics);
  const std::shared_ptr<Metrics>& metrics() const { return metrics_; }
  void flush();

  // `window`: the batches within which a code counts as used.
  void record(const StepReport& report, std::int64_t window);
  void record(const Evaluation& evaluation, std::int64_t step);

 private:
  const ParameterStore& store_;
  const TrainingPlan& plan_;
  std::vector<QuantizerStates> quantizers_;
  std::shared_ptr<Metrics> metrics_;
  struct Curves {
    std::vector<int> terms, norms;
    std::vector<int> codebooks;  // three of each quantizer: perplexity, used_codes, oldest_code
    int loss = -1, learning_rate = -1;
  } curves_;
  Stopwatch since_flush_, since_attach_;
  double seconds_before_ = -1;  // of training, in earlier processes; negative: not read yet
  void record_time(std::int64_t step);
};

}  // namespace loom
