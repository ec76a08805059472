// A training session: a document that is ready to train, to evaluate and to resume from a checkpoint. It wires the
// parts together: the state (training_state.h), its steps (stepper.h), the curves (recorder.h), the evaluations and the
// checkpoints; what it does itself is to decide after each step what follows.
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

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "loom/plugin.h"
#include "train/recorder.h"
#include "train/run_folder.h"
#include "train/stepper.h"

namespace loom {

struct TrainObserver {
  std::function<void(const StepReport&)> step;
  std::function<void(const Evaluation&)> evaluation;
  std::function<void(const std::string& path)> checkpoint;
  std::function<bool()> leave;  // asked after every step and what belongs to it: true leaves train() as it stands
};

// early: no improvement for train.early_stopping evaluations; left: train() may be called again, or another session
// takes the place of this one
enum class TrainEnd { completed, stopped, early, left };

class Session {
 public:
  Session(Document document, const Registry& registry, SessionSettings settings = {});
  Session(const Session&) = delete;

  // Opens the data and compiles the training programs; what needs them calls it. Throws everything that keeps the
  // document from being trained, at once.
  const TrainingPrograms& prepare_training();
  StepReport step();
  // To the last step, with evaluations, checkpoints and metrics on the way. `stop` is asked after every step: true
  // writes a checkpoint and returns. Observers may be empty. An error on the way is thrown after a checkpoint of the steps
  // before it.
  TrainEnd train(const TrainObserver& observer = {}, const std::function<bool()>& stop = {});
  // What follows a step() that was made by hand: observers, evaluation, checkpoints; as train() does. Where it ends.
  std::optional<TrainEnd> conclude(const StepReport& report, const TrainObserver& observer = {},
                                   const std::function<bool()>& stop = {});
  Evaluation evaluate(const EvaluationOptions& options = {});

  // Takes the place of a session that trains, between two of its steps: its state (training_state.h), and the run that
  // it is attached to. The other session stays as it was.
  Adoption adopt(const Session& running);
  // Checkpoints and metrics go into this run from now on.
  void attach(const RunFolder& run);
  // Goes on from the newest valid checkpoint of the attached run; from step 0 where there is none. False then.
  bool resume();
  // The same without a run that it is attached to, for another session to adopt: nothing of the run is written. These
  // `may` differ; `run_document`: as of TrainingState::restore(). Null where there is no checkpoint.
  std::optional<CheckpointInfo> restore(const RunFolder& run, const Differences& may);
  // After adopt() of a state that was restored from this run: attaches it, and goes on from there.
  void take_over(const RunFolder& run, bool measure_changed);
  // Makes this session's document and settings those of the run, with a checkpoint (RunFolder::change).
  void commit_to(RunFolder& run);
  std::string save_checkpoint();  // its path; not written again where it holds this state already
  // Where the best weights so far are of another graph or measure: puts their file beside the others under another
  // name.
  void retire_best();
  // Before anything is prepared: takes from elsewhere whatever fits (weight_sources.h). What was taken, in lines.
  const std::vector<std::string>& initialise(const InitialWeights& from);
  const std::vector<std::string>& initial_weights() const { return initial_weights_; }  // none: as initialised
  // Into weights and states, for evaluation and sampling; the moving averages where the file has them.
  void load_weights(const std::string& file);

  const Document& document() const { return document_; }  // with the settings in place of its own
  const RunSettings& settings() const { return settings_; }
  const RunSettings& run_settings();  // for a run folder: prepares training, since lanes and shard are chosen then
  TrainingState& state() { return state_; }
  const TrainingState& state() const { return state_; }
  TrainingData& training_data() { return training_data_; }
  Metrics* metrics() { return recorder_.metrics().get(); }  // null where no run is attached
  Executor& executor() { return executor_; }
  const Registry& registry() const { return registry_; }

  const std::shared_ptr<const Graph>& graph() const { return state_.graph(); }
  ParameterStore& parameters() { return state_.parameters(); }
  const TrainingPlan& plan() const { return state_.plan(); }
  const DataEntry& data() const { return settings_.data; }
  std::uint64_t seed() const { return settings_.seed; }
  std::int64_t batch() const { return settings_.batch; }
  std::int64_t steps_done() const { return state_.progress().step; }

 private:
  void init_by_data();
  TrainEnd train_steps(const TrainObserver& observer, const std::function<bool()>& stop);
  void keep_steps(const TrainObserver& observer) noexcept;  // after an error: those since the last checkpoint
  // What follows a step: the evaluation that is pending, checkpoints, the end.
  std::optional<TrainEnd> follow_step(const TrainObserver& observer, const std::function<bool()>& stop);
  bool save_before_evaluation();
  bool is_saved(const TextMap& metadata) const;  // the checkpoint of this state, with its metadata
  void settle_best(const std::string& best_of, bool measure_changed);
  CheckpointInfo checkpoint_info();
  void forget_front();  // the weights have changed: what frozen nodes made of the data may have, too
  void evaluate_held_out(const TrainObserver& observer);  // the best value, too
  void write_checkpoints(const TrainObserver& observer, bool due);

  RunSettings settings_;
  Document document_;
  const Registry& registry_;
  Executor executor_;
  TrainingData training_data_;
  TrainingState state_;
  Recorder recorder_;
  std::unique_ptr<Stepper> stepper_;      // null until training is prepared
  std::unique_ptr<Evaluator> evaluator_;  // null until it is needed
  std::unique_ptr<CheckpointFolder> checkpoints_;
  TextMap saved_;  // metadata of the last checkpoint where it holds the present state; else empty
  std::vector<std::string> initial_weights_;
  std::string run_document_;  // the hash of graph.yaml of the attached run
};

// What stands in files of its own is met by an evaluation: a wrong path, or a class that train does not have, is told of
// before the first step.
void check_splits(const Document& document, const Registry& registry, const DataEntry& data, const DataCard* card);
// A session that starts from a document and not from a run. Throws all errors of the document, besides the diagnostics
// so far, and usage if nothing names the data.
std::unique_ptr<Session> start_session(Document document, const Registry& registry, SessionSettings settings,
                                       Diagnostics& findings);
// Makes the run of a session that starts, and attaches it.
RunFolder start_run(const std::string& path, Session& session);
// A session that resumes a run, from its newest checkpoint; wanted steps go into run.json. `who` is named in the
// run's history. Throws usage where more steps are done than wanted.
std::unique_ptr<Session> resume_run(RunFolder& run, Document document, const Registry& registry, SessionSettings wanted,
                                    const std::string& who);
// Throws usage where more steps are done than wanted.
void require_steps(std::optional<std::int64_t> wanted, std::int64_t done);

}  // namespace loom
