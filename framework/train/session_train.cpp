// The training loop: decides when to evaluate, to write a checkpoint and to stop.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include "data/validation_split.h"
#include "loom/error.h"
#include "train/session.h"

namespace loom {
namespace {

bool is_due(std::int64_t step, std::int64_t every) { return every > 0 && step % every == 0; }

// Errors of `work` say what it was part of, unless they name a step themselves.
template <class Work>
auto naming(const std::string& what, Work&& work) {
  try {
    return work();
  } catch (const Error& error) {
    std::vector<Diagnostic> findings = error.diagnostics();
    for (Diagnostic& finding : findings) {
      if (finding.message.find("step ") == std::string::npos) finding.message += fmt::format(" (in {})", what);
    }
    throw Error(std::move(findings));
  }
}

std::string first_of(const std::vector<std::string>& names) {
  constexpr std::size_t kNamed = 4;
  const auto end = names.begin() + static_cast<std::ptrdiff_t>(std::min(kNamed, names.size()));
  return fmt::format("{}{}", fmt::join(names.begin(), end, ", "), names.size() > kNamed ? ", ..." : "");
}

}  // namespace

// Before the first step of a session that starts anew.
void Session::init_by_data() {
  const auto [nodes, constant] = stepper_->init_by_first_batch(document_.train.data_init);
  if (!constant.empty())
    spdlog::warn("not initialised by the first batch, whose values leave the output constant: {}", first_of(constant));
  if (nodes.empty()) return;
  const std::string what =
      fmt::format("{} {} by the first batch: {}", nodes.size(), nodes.size() == 1 ? "node" : "nodes", first_of(nodes));
  spdlog::info("initialised {}", what);
  if (metrics()) metrics()->add_event({0, "initialised", settings_.data.type, what});
}

StepReport Session::step() {
  prepare_training();
  init_by_data();
  const StepReport report = stepper_->step();
  if (steps_done() >= settings_.steps || is_due(steps_done(), document_.train.eval_every)) state_.expect_evaluation();
  recorder_.record(report, stepper_->steps_per_epoch());
  return report;
}

TrainEnd Session::train(const TrainObserver& observer, const std::function<bool()>& stop) {
  prepare_training();
  init_by_data();
  try {
    return train_steps(observer, stop);
  } catch (...) {
    keep_steps(observer);
    throw;
  }
}

TrainEnd Session::train_steps(const TrainObserver& observer, const std::function<bool()>& stop) {
  if (settings_.steps == 0) write_checkpoints(observer, true);
  if (state_.progress().evaluation_pending) {  // of the step that the checkpoint was written at
    if (const std::optional<TrainEnd> end = follow_step(observer, stop)) return *end;
  }
  while (steps_done() < settings_.steps) {
    if (state_.gave_up()) return TrainEnd::early;
    const std::int64_t number = steps_done() + 1;
    const StepReport report = naming(fmt::format("step {}", number), [&] { return step(); });
    if (const std::optional<TrainEnd> end = conclude(report, observer, stop)) return *end;
  }
  recorder_.flush();
  return TrainEnd::completed;
}

// A step that fails (a picture that cannot be decoded) leaves the state as it was before it, and so does an evaluation: what
// was trained until then is worth keeping.
void Session::keep_steps(const TrainObserver& observer) noexcept {
  if (!checkpoints_ || steps_done() == 0) return;
  try {
    if (is_saved(checkpoint_info().to_metadata())) return;
    const std::string path = save_checkpoint();
    spdlog::warn("the training is kept up to step {}: {}", steps_done(), path);
    if (observer.checkpoint) observer.checkpoint(path);
  } catch (const std::exception& error) {
    spdlog::warn("the training since the checkpoint before is lost: {}", error.what());
  }
}

std::optional<TrainEnd> Session::conclude(const StepReport& report, const TrainObserver& observer,
                                          const std::function<bool()>& stop) {
  if (observer.step) observer.step(report);
  return follow_step(observer, stop);
}

std::optional<TrainEnd> Session::follow_step(const TrainObserver& observer, const std::function<bool()>& stop) {
  const bool last = steps_done() >= settings_.steps;
  bool due = last || is_due(steps_done(), document_.train.checkpoint_every), temporary = false;
  if (state_.progress().evaluation_pending) {
    temporary = save_before_evaluation();
    due = due || !temporary;
    naming(fmt::format("the evaluation after step {}", steps_done()), [&] { evaluate_held_out(observer); });
  }
  const bool stopping = stop && stop();
  due = due || stopping || state_.gave_up();
  if (temporary && !due) checkpoints_->drop(steps_done());
  write_checkpoints(observer, due);
  if (stopping && !last) return TrainEnd::stopped;
  if (!last && observer.leave && observer.leave()) return TrainEnd::left;
  return std::nullopt;
}

// An evaluation that fails or is killed loses nothing: its step is resumed from, and it is made then. False where the
// step has a checkpoint that must stay: of a change, or the one that training was resumed from.
bool Session::save_before_evaluation() {
  if (!checkpoints_) return false;
  recorder_.flush();
  const CheckpointInfo info = checkpoint_info();
  const TextMap metadata = info.to_metadata();
  if (is_saved(metadata)) return false;
  if (!saved_.empty() && saved_.at("step") == metadata.at("step")) {
    save_checkpoint();  // in its place: it must survive a power cut
    return false;
  }
  checkpoints_->save_before_evaluation(info, state_.tensors());
  return true;
}

void Session::evaluate_held_out(const TrainObserver& observer) {
  const TraceSpan span(executor_.trace(), "evaluation");
  const std::string& split = plan().selection.monitor.split;
  const char* held_out = training_data_.source()->has_validation() ? kValidation : "test";
  const Evaluation evaluation =
      evaluate({.split = split.empty() ? held_out : split, .limit = document_.train.eval_limit, .in_training = true});
  recorder_.record(evaluation, steps_done());
  state_.add_evaluation(plan().selection.value(evaluation));
  if (observer.evaluation) observer.evaluation(evaluation);
}

// The checkpoint of the step is written first; the best one is then a link to it.
void Session::write_checkpoints(const TrainObserver& observer, bool due) {
  if (!checkpoints_) return;
  const TraceSpan span(executor_.trace(), "checkpoint");
  std::string path;
  if (due) path = save_checkpoint();
  if (state_.take_new_best()) checkpoints_->save_best(checkpoint_info(), state_.tensors());
  if (due && observer.checkpoint) observer.checkpoint(path);
}

}  // namespace loom
