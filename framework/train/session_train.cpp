// The training loop: decides when to evaluate, to write a checkpoint and to stop.
#include <spdlog/spdlog.h>

#include "data/validation_split.h"
#include "train/session.h"

namespace loom {
namespace {

bool is_due(std::int64_t step, std::int64_t every) { return every > 0 && step % every == 0; }

}  // namespace

TrainEnd Session::train(const TrainObserver& observer, const std::function<bool()>& stop) {
  prepare_training();
  try {
    return train_steps(observer, stop);
  } catch (...) {
    keep_steps(observer);
    throw;
  }
}

TrainEnd Session::train_steps(const TrainObserver& observer, const std::function<bool()>& stop) {
  if (settings_.steps == 0) write_checkpoints(observer, true);
  while (steps_done() < settings_.steps) {
    if (state_.gave_up()) return TrainEnd::early;
    if (const std::optional<TrainEnd> end = conclude(step(), observer, stop)) return *end;
  }
  recorder_.flush();
  return TrainEnd::completed;
}

// A step that fails (a picture that cannot be decoded) leaves the state as it was before it, and so does an evaluation: what
// was trained until then is worth keeping.
void Session::keep_steps(const TrainObserver& observer) noexcept {
  if (!checkpoints_ || steps_done() == saved_) return;
  try {
    const std::string path = save_checkpoint();
    spdlog::warn("the training is kept up to step {}: {}", steps_done(), path);
    if (observer.checkpoint) observer.checkpoint(path);
  } catch (const std::exception& error) {
    spdlog::warn("the training since step {} is lost: {}", saved_, error.what());
  }
}

std::optional<TrainEnd> Session::conclude(const StepReport& report, const TrainObserver& observer,
                                          const std::function<bool()>& stop) {
  if (observer.step) observer.step(report);
  const bool last = steps_done() >= settings_.steps;
  if (last || is_due(steps_done(), document_.train.eval_every)) evaluate_held_out(observer);
  const bool stopping = stop && stop();
  write_checkpoints(observer,
                    last || stopping || state_.gave_up() || is_due(steps_done(), document_.train.checkpoint_every));
  if (stopping && !last) return TrainEnd::stopped;
  if (!last && observer.leave && observer.leave()) return TrainEnd::left;
  return std::nullopt;
}

void Session::evaluate_held_out(const TrainObserver& observer) {
  const std::string& split = plan().selection.monitor.split;
  const char* held_out = training_data_.source()->has_validation() ? kValidation : "test";
  const Evaluation evaluation =
      evaluate({.split = split.empty() ? held_out : split, .limit = document_.train.eval_limit, .in_training = true});
  recorder_.record(evaluation);
  state_.add_evaluation(plan().selection.value(evaluation));
  if (observer.evaluation) observer.evaluation(evaluation);
}

// The checkpoint of the step is written first; the best one is then a link to it.
void Session::write_checkpoints(const TrainObserver& observer, bool due) {
  if (!checkpoints_) return;
  std::string path;
  if (due) path = save_checkpoint();
  if (state_.take_new_best()) checkpoints_->save_best(checkpoint_info(), state_.tensors());
  if (due && observer.checkpoint) observer.checkpoint(path);
}

}  // namespace loom
