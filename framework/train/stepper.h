// Makes the steps of a training job: reads the batch, runs the programs, has the guard judge the losses and gradients,
// and applies the optimizers. A step that throws or is rejected leaves parameters and states as they were.
//
// Ownership: owns the programs and the batches; refers to the state, the settings and the data. Thread safety: one
// thread. Errors: the constructor throws everything that keeps the document from being trained, at once; step() throws
// the errors of a node or of the data, and can be called again; not_finite when the guard gives up. A warmed-up step
// allocates nothing.
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "train/front_cache.h"
#include "train/training_data.h"
#include "train/training_programs.h"
#include "train/training_state.h"

namespace loom {

// Figures of one step; spans are valid until the next.
struct StepReport {
  std::int64_t step = 0;          // finished steps
  bool skipped = false;           // the guard left the weights as they were
  double loss = 0;                // of the first objective: weighted sum, nats per sample
  std::span<const double> terms;  // means in the order of TrainingPlan::terms, nats per sample; NaN: not in training
  std::span<const double> norms;  // of each objective's gradient; negative: it does not update in this step
  double learning_rate = 0;       // of the first objective
  double data_seconds = 0;        // waited for the batch

  bool is_finite() const;  // the loss and every norm
};

class Stepper {
 public:
  // Prepares the state.
  Stepper(TrainingState& state, const RunSettings& settings, TrainingData& data);

  StepReport step();
  struct DataInit {
    std::vector<std::string> nodes;     // their paths
    std::vector<std::string> constant;  // of nodes whose outputs are constant: they stay as they are
  };
  // Scales initial values by the first batch (train/data_init.h), once: of a state that is untouched.
  DataInit init_by_first_batch(const std::vector<std::string>& patterns);
  // The weights or the step have changed: the next step opens the batches, and what frozen nodes made of them, anew.
  void forget_batches() { batches_.reset(); }

  const TrainingPrograms& programs() const { return *programs_; }
  // After a step. At least one: a step may read more batches than there are.
  std::int64_t steps_per_epoch() const { return std::max<std::int64_t>(1, batches_->batches_per_epoch() / parts_); }

 private:
  void open_batches();
  Batches::View next_batch(StepReport& report);
  bool make_step(std::int64_t number, StepReport& report);  // false where the step is skipped
  bool compute(std::int64_t number, const Batches::View& batch, std::int64_t part);
  void measure();                                                // the losses and the norms of the gradients
  bool update(std::int64_t number, const Batches::View& batch);  // false where the step is skipped
  void reject(Guard::Verdict verdict, std::int64_t number, const Batches::View& batch);
  void drop_replaced_gradients();
  std::string describe_bad_step() const;
  void keep_states();
  void restore_states();

  TrainingState& state_;
  const RunSettings& settings_;
  TrainingData& data_;
  FrontFeeds feeds_;
  std::unique_ptr<Batches> batches_;
  std::unique_ptr<TrainingPrograms> programs_;
  std::vector<int> states_;  // indices into the store: of what nodes change
  std::vector<Tensor> kept_states_;
  std::vector<double> means_, norms_, losses_;
  std::int64_t parts_ = 1;  // batches of a step
  std::vector<ReplacedValues> replaced_;
};

}  // namespace loom
