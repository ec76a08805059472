// The training loop: when to evaluate, to write a checkpoint, to stop; and the curves.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "train/advice.h"
#include "train/metric_json.h"
#include "train/session.h"

namespace loom {
namespace {

constexpr double kFlushSeconds = 2;  // a reader of the metrics sees steps at most this old
constexpr const char* kHeldOutSplit = "test";

bool is_due(std::int64_t step, std::int64_t every) { return every > 0 && step % every == 0; }

}  // namespace

bool Session::gave_up() const {
  return document_.train.early_stopping > 0 && without_improvement_ >= document_.train.early_stopping;
}

TrainEnd Session::train(const TrainObserver& observer, const std::function<bool()>& stop) {
  prepare_training();
  if (steps() == 0) write_checkpoints(observer, true);
  while (step_ < steps()) {
    if (gave_up()) return TrainEnd::early;
    if (const std::optional<TrainEnd> end = conclude(step(), observer, stop)) return *end;
  }
  if (metrics_) metrics_->flush();
  return TrainEnd::completed;
}

std::optional<TrainEnd> Session::conclude(const StepReport& report, const TrainObserver& observer,
                                          const std::function<bool()>& stop) {
  if (observer.step) observer.step(report);
  const bool last = step_ >= steps();
  if (last || is_due(step_, document_.train.eval_every)) evaluate_held_out(observer);
  const bool stopping = stop && stop();
  write_checkpoints(observer, last || stopping || gave_up() || is_due(step_, document_.train.checkpoint_every));
  if (stopping && !last) return TrainEnd::stopped;
  if (!last && observer.leave && observer.leave()) return TrainEnd::left;
  return std::nullopt;
}

void Session::evaluate_held_out(const TrainObserver& observer) {
  const Evaluation evaluation =
      evaluate({.split = kHeldOutSplit, .limit = document_.train.eval_limit, .in_training = true});
  record(evaluation);
  const double value = evaluation.measure();
  if (std::isfinite(value) && (!best_value_ || value < *best_value_)) {
    best_value_ = value;
    best_step_ = step_;
    best_is_new_ = true;
    without_improvement_ = 0;
  } else {
    ++without_improvement_;
  }
  if (observer.evaluation) observer.evaluation(evaluation);
}

// The step's own first: the best one is then a link to it.
void Session::write_checkpoints(const TrainObserver& observer, bool due) {
  if (!checkpoints_) return;
  std::string path;
  if (due) path = save_checkpoint();
  if (best_is_new_) checkpoints_->save_best(checkpoint_info(), saved_tensors());
  best_is_new_ = false;
  if (due && observer.checkpoint) observer.checkpoint(path);
}

void Session::record(const StepReport& report) {
  if (!metrics_) return;
  metrics_->add(report.step, curves_.loss, report.loss);
  metrics_->add(report.step, curves_.learning_rate, report.learning_rate);
  for (std::size_t t = 0; t < report.terms.size(); ++t) {
    if (curves_.terms[t] >= 0) metrics_->add(report.step, curves_.terms[t], report.terms[t]);
  }
  for (std::size_t o = 0; o < report.norms.size(); ++o) {
    if (report.norms[o] >= 0 || std::isnan(report.norms[o]))
      metrics_->add(report.step, curves_.norms[o], report.norms[o]);
  }
  for (std::size_t q = 0; q < quantizers_.size(); ++q) {
    const CodebookHealth health =
        health_of(store_, quantizers_[q], std::min(report.step, batches_->batches_per_epoch()));
    metrics_->add(report.step, curves_.codebooks[3 * q], health.perplexity);
    metrics_->add(report.step, curves_.codebooks[3 * q + 1], health.used_codes);
    metrics_->add(report.step, curves_.codebooks[3 * q + 2], health.oldest_code);
  }
  if (since_flush_.seconds() < kFlushSeconds) return;
  metrics_->flush();
  since_flush_.restart();
}

void Session::record(const Evaluation& evaluation) {
  if (!metrics_) return;
  const std::string split = evaluation.split.empty() ? "all" : evaluation.split;
  metrics_->add(step_, "total_loss", split, evaluation.loss);
  for (const auto& [name, value] : curves_of(evaluation.values)) metrics_->add(step_, name, split, value);
  metrics_->set_info("evaluation", to_json(evaluation.values).dump());
  metrics_->set_info("findings", findings_text(evaluation.values));
  metrics_->flush();
}

}  // namespace loom
