// The state of a training job: what a checkpoint holds and what another session adopts. These are parameters and
// states of nodes, the optimizers' states, the moving averages, the guard, the finished steps and the best value; and
// what is set aside, which a change of the document has left without a place.
//
// Ownership: owns the graph, its parameters, the plan and the optimizers; refers to the document, the settings, the
// registry and the executor. Thread safety: one thread; check_adoption() may run while the other state trains.
// Errors: the constructor throws those of the graph (E2xx), prepare() those of the plan.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "run/bound_graph.h"
#include "train/checkpoint.h"
#include "train/run_settings.h"
#include "train/updater.h"

namespace loom {

// What became of the values of a session whose place another one took. Names are those of a checkpoint's tensors.
struct Adoption {
  std::int64_t carried = 0;            // tensors
  std::vector<std::string> fresh;      // parameters and states that start as initialised
  std::vector<std::string> restored;   // that had been set aside by an earlier change
  std::vector<std::string> set_aside;  // parameters and states that this document has no place for
  bool measure_changed = false;        // the best value so far was of something else, and is forgotten
};

// What a training job may have in another way than the checkpoint that it resumes from.
struct Differences {
  bool batch = false, lanes = false, shard = false, algorithms = false, precision = false, data = false;
  bool any() const { return batch || lanes || shard || algorithms || precision || data; }
};

// Why the seed of a run cannot change, and what can be done.
inline constexpr const char* kSeedIsFixed =
    "the initial weights, the order of the data and the noise so far follow from it; train GRAPH --init RUN --seed N "
    "starts another run from the weights of this one";

class TrainingState {
 public:
  TrainingState(const Document& document, const RunSettings& settings, const Registry& registry, Executor& executor);

  // Makes the optimizers and averages, which evaluation does without. Throws everything that the plan found.
  void prepare();

  const std::shared_ptr<const Graph>& graph() const { return graph_; }
  ParameterStore& parameters() { return parameters_; }
  BoundGraph bound() { return {graph_, parameters_, executor_}; }
  const TrainingPlan& plan() const { return plan_; }
  Guard& guard() { return guard_; }
  const Guard& guard() const { return guard_; }
  Updater& updater() { return *updater_; }  // after prepare()
  MovingAverage* average() { return updater_ ? updater_->average() : nullptr; }

  const TrainProgress& progress() const { return progress_; }
  void start_at(std::int64_t step) {  // of the data and the schedules
    progress_.step = step;
    place_weights();
  }
  void finish_step() {
    ++progress_.step;
    progress_.evaluation_pending = false;
  }
  void restart_data() { progress_.data_from = progress_.step; }  // the next step reads the first batch
  std::int64_t batches_of_step() const { return document_.train.accumulate; }
  // Of the first batch of the next step.
  std::int64_t batch_number() const { return (progress_.step - progress_.data_from) * document_.train.accumulate; }
  // Nothing was trained, restored or loaded: the weights are those that the document gives them.
  bool is_untouched() const { return untouched_ && progress_.step == 0; }
  void touch() { untouched_ = false; }
  void expect_evaluation() { progress_.evaluation_pending = true; }
  void add_evaluation(double value);  // of the monitor; before the weights of the losses have settled it does not count
  bool gave_up() const;               // train.early_stopping evaluations without improvement
  bool take_new_best();               // whether the weights are the best ones and were not yet taken as such
  void forget_best();                 // it is of another graph or measure

  // Of a checkpoint.
  std::vector<NamedTensor> tensors() const;
  CheckpointInfo info(const std::string& data_hash) const;
  // `run_document`: the hash of the run's graph.yaml; a checkpoint of neither that nor this document draws a warning.
  // Throws checkpoint_mismatch where the checkpoint was written with other settings or data, unless these `may` differ.
  CheckpointInfo restore(const std::string& file, const std::string& data_hash, const std::string& run_document,
                         const Differences& may = {});

  // Adoption: values are carried over by name and shape; `running` stays as it was, so that it can go on where this one
  // does not. Throws candidate_unfit with every reason.
  void check_adoption(const TrainingState& running) const;
  Adoption adopt(const TrainingState& running);

 private:
  std::vector<std::string> measure_terms() const;
  void place_weights() { parameters_.set_step(std::max<std::int64_t>(1, progress_.step) - 1); }
  void take(const TrainingState& running, const CheckpointInfo& info, std::vector<bool>& taken, Adoption& adoption);
  void set_aside(const TrainingState& running, const std::vector<bool>& taken, Adoption& adoption);

  const Document& document_;
  const RunSettings& settings_;
  Executor& executor_;
  std::shared_ptr<const Graph> graph_;
  ParameterStore parameters_;
  Diagnostics findings_;  // of the plan
  TrainingPlan plan_;
  Guard guard_;
  std::unique_ptr<Updater> updater_;
  std::vector<NamedTensor> tensors_;                      // but those set aside
  std::map<std::string, std::shared_ptr<Tensor>> aside_;  // by a checkpoint's names
  TrainProgress progress_;
  bool best_is_new_ = false;
  bool untouched_ = true;
};

}  // namespace loom
