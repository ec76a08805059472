// A training session: a document that is ready to train, to evaluate and to resume from a checkpoint.
//
//   Session session(load_document("vae.yaml"), registry, {.steps = 1000});
//   RunFolder run = RunFolder::create("RUN", session.document().resolved, session.run_settings());
//   session.attach(run);               // checkpoints and metrics go there
//   session.train(observer, stop);     // or resume() first
//
// The same seed, lanes, shard and batch give the same bits for any number of threads, and a resumed session computes
// what the uninterrupted one would have: the data, the noise and the schedules of a step are functions of its number.
// Steps count from 0; step() number k finishes step k and leaves steps_done() at k + 1.
//
// Ownership: owns graph, weights, threads, data and optimizers; refers to the registry, and to an attached RunFolder
// only within attach(). Thread safety: one thread, which is also the one that observers are called on.
// Errors: the constructor throws the errors of the graph (E2xx). Data is opened when it is first needed (E4xx). step()
// throws the errors of a node or of the data, and can be called again; not_finite when the guard gives up.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "data/batches.h"
#include "document/document.h"
#include "loom/node.h"
#include "loom/plugin.h"
#include "train/checkpoint.h"
#include "train/codebook_health.h"
#include "train/evaluation.h"
#include "train/front_cache.h"
#include "train/metrics.h"
#include "train/run_folder.h"
#include "train/training_programs.h"
#include "train/updater.h"

namespace loom {

// What stands in place of the document's own settings.
struct SessionSettings {
  std::optional<DataEntry> data = {};
  std::optional<std::int64_t> steps = {}, batch = {};
  std::optional<std::uint64_t> seed = {};
  int threads = 0;         // 0: every core
  int lanes = 0;           // 0: one a thread
  std::int64_t shard = 0;  // samples; 0: chosen from the shapes
  std::string cache = {};  // a folder for what frozen nodes make of the data; "": it is computed anew in every step
  std::vector<LoadedWeights> weights = {};  // that a resumed run started with
};

// Figures of one step; spans are valid until the next.
struct StepReport {
  std::int64_t step = 0;          // finished steps
  bool skipped = false;           // the guard left the weights as they were
  double loss = 0;                // of the first objective: weighted sum, nats per sample
  std::span<const double> terms;  // means in the order of TrainingPlan::terms, nats per sample; NaN: not in training
  std::span<const double> norms;  // of each objective's gradient; negative: it does not update in this step
  double learning_rate = 0;       // of the first objective
  double data_seconds = 0;        // waited for the batch
};

struct TrainObserver {
  std::function<void(const StepReport&)> step;
  std::function<void(const Evaluation&)> evaluation;
  std::function<void(const std::string& path)> checkpoint;
  std::function<bool()> leave;  // asked after every step and what belongs to it: true leaves train() as it stands
};

// early: no improvement for train.early_stopping evaluations; left: train() may be called again, or another session
// takes the place of this one
enum class TrainEnd { completed, stopped, early, left };

// What became of the values of a session whose place another one took. Names are those of a checkpoint's tensors.
struct Adoption {
  std::int64_t carried = 0;                // tensors
  std::vector<std::string> fresh;          // parameters and states that start as initialised
  std::vector<std::string> reinitialised;  // of these, those that had another shape
  std::vector<std::string> restored;       // that had been set aside by an earlier change
  std::vector<std::string> set_aside;      // parameters and states that this document has no place for
  bool measure_changed = false;            // the best value so far was of something else, and is forgotten
};

class Session {
 public:
  Session(Document document, const Registry& registry, SessionSettings settings = {});
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Opens the data and compiles the training programs; what needs them calls it. Throws everything that keeps the
  // document from being trained, at once.
  void prepare_training();
  StepReport step();
  // To the last step, with evaluations, checkpoints and metrics on the way. `stop` is asked after every step: true
  // writes a checkpoint and returns. Observers may be empty.
  TrainEnd train(const TrainObserver& observer = {}, const std::function<bool()>& stop = {});
  Evaluation evaluate(const EvaluationOptions& options = {});
  // What follows a step() that was made by hand: observers, evaluation, checkpoints; as train() does. Where it ends.
  std::optional<TrainEnd> conclude(const StepReport& report, const TrainObserver& observer = {},
                                   const std::function<bool()>& stop = {});

  // Taking the place of a session that trains, between two of its steps. Parameters, states, optimizer state and
  // averages are carried over by name and shape, with the step, the guard and the run that it is attached to; the
  // other one stays as it was, so that it can go on where this one does not. Threads: share_data() and can_adopt() may
  // run while the other one trains.
  void share_data(const Session& running);            // the data set, instead of opening it again
  void start_at(std::int64_t step) { step_ = step; }  // of the data and the schedules, with the weights it has
  void can_adopt(const Session& running) const;       // throws candidate_unfit with every reason
  Adoption adopt(const Session& running);

  // Checkpoints and metrics go into this run from now on.
  void attach(const RunFolder& run);
  // Goes on from the newest valid checkpoint of the attached run; from step 0 where there is none. False then.
  bool resume();
  std::string save_checkpoint();  // its path
  // Where the best weights so far are of another graph or measure: puts their file beside the others under another
  // name.
  void retire_best();
  Metrics* metrics() { return metrics_.get(); }  // null where no run is attached
  // Into weights and states, for evaluation and sampling; the moving averages where the file has them.
  void load_weights(const std::string& file);
  // For evaluation or sampling in a training session: averages in place of the weights while the result lives.
  [[nodiscard]] AveragedWeights averaged_weights() { return AveragedWeights(updater_ ? updater_->average() : nullptr); }

  const Document& document() const { return document_; }
  const std::shared_ptr<const Graph>& graph() const { return graph_; }
  ParameterStore& parameters() { return store_; }
  Executor& executor() { return executor_; }
  const Registry& registry() const { return registry_; }
  const TrainingPlan& plan() const { return plan_; }
  const DataEntry& data() const { return data_; }
  const std::string& data_hash();      // of its content or recipe; opens the data
  const DataSource& data_source();     // what training reads; opens the data
  const TrainingPrograms& programs();  // prepares training
  std::uint64_t seed() const { return seed_; }
  std::int64_t batch() const { return document_.train.batch; }
  std::int64_t steps() const { return document_.train.steps; }  // to be done in all
  std::int64_t steps_done() const { return step_; }
  const GuardState& guard() const { return guard_.state(); }
  std::optional<double> best_value() const { return best_value_; }
  std::int64_t best_step() const { return best_step_; }
  // What a run folder records; prepares training, since lanes and shard are chosen then.
  RunSettings run_settings();

 private:
  struct Curves {
    std::vector<int> terms, norms;
    std::vector<int> codebooks;  // three of each quantizer: perplexity, used_codes, oldest_code
    int loss = -1, learning_rate = -1;
  };
  void open_batches();
  void begin_curves();
  void set_aside(const Session& running, const std::vector<bool>& taken, Adoption& adoption);
  bool measures_the_same(const Session& running) const;
  void forget_front();               // the weights have changed: what frozen nodes made of the data may have, too
  bool update(std::int64_t number);  // false where the step is skipped
  std::string describe_bad_step() const;
  void keep_states();
  void restore_states();
  void record(const StepReport& report);
  void evaluate_held_out(const TrainObserver& observer);  // the best value, too
  void write_checkpoints(const TrainObserver& observer, bool due);
  void record(const Evaluation& evaluation);
  bool gave_up() const;
  CheckpointInfo checkpoint_info() const;
  std::vector<NamedTensor> saved_tensors() const;  // of a checkpoint, with those set aside
  void check_resumed(const CheckpointInfo& info, const std::string& file) const;
  std::vector<double> evaluation_weights() const;

  Document document_;
  const Registry& registry_;
  SessionSettings settings_;
  DataEntry data_;
  std::uint64_t seed_;
  std::shared_ptr<const Graph> graph_;
  Executor executor_;
  ParameterStore store_;
  std::vector<LoadedWeights> loaded_;
  Diagnostics plan_findings_;
  TrainingPlan plan_;
  Guard guard_;

  std::shared_ptr<const DataSource> source_;
  std::string data_hash_;
  FrontFeeds feeds_;
  std::unique_ptr<Batches> batches_;
  std::unique_ptr<TrainingPrograms> programs_;
  std::unique_ptr<Updater> updater_;
  std::unique_ptr<Evaluator> evaluator_;
  std::vector<NamedTensor> tensors_;  // of a checkpoint
  std::vector<int> states_;           // indices into the store: of what nodes change
  std::vector<Tensor> kept_states_;
  std::vector<QuantizerStates> quantizers_;
  std::vector<double> means_, norms_, losses_;

  std::map<std::string, std::shared_ptr<Tensor>> aside_;  // what earlier documents had, by a checkpoint's names

  std::shared_ptr<CheckpointFolder> checkpoints_;
  std::shared_ptr<Metrics> metrics_;
  Curves curves_;
  Stopwatch since_flush_;

  std::int64_t step_ = 0;
  std::optional<double> best_value_;
  std::int64_t best_step_ = 0;  // finished steps at the best value
  bool best_is_new_ = false;    // and not saved yet
  std::int64_t without_improvement_ = 0;
};

// Takes up a run: its document, its settings, and its newest checkpoint's weights or, with `best`, its best's.
// For evaluation and sampling; a training goes on with RunFolder::open(path, true), attach() and resume().
std::unique_ptr<Session> open_run(const std::string& path, const Registry& registry, SessionSettings settings = {},
                                  bool best = true);

// The settings that a run was started with, with `settings` (steps, threads) on top.
SessionSettings settings_of(const RunSettings& run, SessionSettings settings = {});

}  // namespace loom
