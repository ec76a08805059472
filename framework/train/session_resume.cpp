// Resumes a run in a session.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "io/atomic_file.h"
#include "loom/error.h"
#include "train/run_document.h"
#include "train/session.h"

namespace loom {
namespace {

TextMap metadata_of(const std::string& file) {
  TextMap metadata = SafetensorsFile(file).metadata();
  metadata.erase("checksum");
  return metadata;
}

}  // namespace

bool Session::resume() {
  prepare_training();
  if (!checkpoints_) throw Error(ErrorCode::internal, "a session without a run folder cannot be resumed");
  const std::string file = checkpoints_->recover();
  if (file.empty()) {
    metrics()->remove_after(0);
    return false;
  }
  const TextMap metadata = metadata_of(file);
  const std::string stored = CheckpointInfo::from_metadata(metadata, file).data_hash;
  const CheckpointInfo info = state_.restore(file, training_data_.hash_beside(stored), run_document_);
  forget_front();
  saved_ = metadata;
  metrics()->remove_after(info.step);
  settle_best(info.best_of, false);
  return true;
}

// The best checkpoint is of another measure now, or its file is missing since training was interrupted between the two.
void Session::settle_best(const std::string& best_of, bool measure_changed) {
  const TrainProgress progress = state_.progress();
  if (!progress.best_value) return;
  const std::string now = plan().selection.text(plan());
  if (best_of != now && !measure_changed) {
    spdlog::warn("the best checkpoint so far was chosen by another measure, and is kept as best-until-{:06}: {}",
                 progress.step, best_of.empty() ? "the negative ELBO" : best_of);
    measure_changed = true;
  }
  if (measure_changed)
    retire_best();
  else if (progress.best_step == progress.step)
    checkpoints_->save_best(checkpoint_info(), state_.tensors());
}

std::optional<CheckpointInfo> Session::restore(const RunFolder& run, const Differences& may) {
  state_.prepare();
  if (list_checkpoints(run.checkpoints_path()).empty()) return std::nullopt;
  const std::string file = find_checkpoint(run.checkpoints_path(), false);
  const std::string stored = CheckpointInfo::from_metadata(metadata_of(file), file).data_hash;
  const std::string document = document_hash(read_text_file(run.document_path()));
  CheckpointInfo info = state_.restore(file, may.data ? stored : training_data_.hash_beside(stored), document, may);
  parameters().touch();
  return info;
}

void Session::take_over(const RunFolder& run, bool measure_changed) {
  attach(run);
  metrics()->remove_after(steps_done());
  settle_best(plan().selection.text(plan()), measure_changed);
}

std::unique_ptr<Session> resume_run(RunFolder& run, Document document, const Registry& registry, SessionSettings wanted,
                                    const std::string& who) {
  const std::optional<std::int64_t> steps = wanted.steps;
  wanted.cache = run.cache_path();
  auto session =
      std::make_unique<Session>(std::move(document), registry, settings_of(run.settings(), std::move(wanted)));
  session->attach(run);
  session->resume();
  const std::int64_t done = session->steps_done();
  require_steps(steps, done);
  std::string what = fmt::format("from the checkpoint of step {}", done);
  if (steps && *steps != run.settings().steps)
    what += fmt::format("; {} steps in all instead of {}", *steps, run.settings().steps);
  const auto checkpoints = list_checkpoints(run.checkpoints_path());
  if (!checkpoints.empty() && is_edited(run.path(), checkpoints.back().second))
    what += "; graph.yaml has been edited since";
  session->metrics()->add_event({done, "resumed", who, what});
  const std::string before = read_text_file(run.document_path()), &now = session->document().resolved;
  if (now != before) {  // the steps are others, or the run is of a version that did not write settings into it
    run.keep_documents(before, now);
    run.set_document(now);
  }
  if (steps || run.settings().format < kRunFormat) run.update_settings(session->run_settings());
  return session;
}

void require_steps(std::optional<std::int64_t> wanted, std::int64_t done) {
  if (wanted && *wanted < done)
    throw Error(ErrorCode::usage, fmt::format("steps {}: the run has already done {}", *wanted, done));
}

}  // namespace loom
