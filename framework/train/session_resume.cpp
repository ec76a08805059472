// A session and its run folder: attaching, checkpoints, going on.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "loom/abi.h"
#include "loom/error.h"
#include "train/run_document.h"
#include "train/session.h"

namespace loom {
namespace {

constexpr std::string_view kAside = "aside/";

}  // namespace

RunSettings Session::run_settings() {
  prepare_training();
  RunSettings run;
  run.seed = seed_;
  run.lanes = programs_->lanes();
  run.shard = programs_->shard();
  run.batch = batch();
  run.steps = steps();
  run.data = with_absolute_paths(data_);
  run.version = LOOM_VERSION;
  run.weights = loaded_.empty() ? settings_.weights : loaded_;
  return run;
}

SessionSettings settings_of(const RunSettings& run, SessionSettings settings) {
  if (!settings.data) settings.data = run.data;
  if (!settings.steps) settings.steps = run.steps;
  if (!settings.batch) settings.batch = run.batch;
  if (!settings.seed) settings.seed = run.seed;
  if (settings.lanes == 0) settings.lanes = run.lanes;
  if (settings.shard == 0) settings.shard = run.shard;
  settings.weights = run.weights;
  return settings;
}

std::unique_ptr<Session> open_run(const std::string& path, const Registry& registry, SessionSettings settings,
                                  bool best) {
  const RunFolder run = RunFolder::open(path, false);
  if (settings.cache.empty()) settings.cache = run.cache_path();
  auto session = std::make_unique<Session>(load_document(run.document_path()), registry,
                                           settings_of(run.settings(), std::move(settings)));
  session->load_weights(find_checkpoint(run.checkpoints_path(), best));
  return session;
}

void Session::attach(const RunFolder& run) {
  prepare_training();
  checkpoints_ = std::make_shared<CheckpointFolder>(run.checkpoints_path(), document_.train.keep);
  metrics_ = std::make_shared<Metrics>(run.metrics_path());
  begin_curves();
  metrics_->set_info("graph", document_.name);
  metrics_->set_info("data", data_.type);
  metrics_->set_info("data_hash", data_hash());
  metrics_->set_info("version", LOOM_VERSION);
}

void Session::begin_curves() {
  curves_ = {};  // of a run: total_loss, learning_rate, gradient_norm and the losses by their names
  curves_.loss = metrics_->curve("total_loss", "train");
  curves_.learning_rate = metrics_->curve("learning_rate", "train");
  for (const LossTerm& term : plan_.terms)
    curves_.terms.push_back(term.in_training ? metrics_->curve(term.name, "train") : -1);
  for (const Objective& objective : plan_.objectives) {
    const bool alone = plan_.objectives.size() == 1;
    curves_.norms.push_back(metrics_->curve(alone ? "gradient_norm" : "gradient_norm/" + objective.name, "train"));
  }
  for (const QuantizerStates& quantizer : quantizers_) {
    const std::string prefix = quantizers_.size() > 1 ? quantizer.path + "." : "";
    for (const char* name : {"perplexity", "used_codes", "oldest_code"})
      curves_.codebooks.push_back(metrics_->curve(prefix + name, "train"));
  }
}

CheckpointInfo Session::checkpoint_info() const {
  CheckpointInfo info;
  info.step = step_;
  info.seed = seed_;
  info.lanes = programs_->lanes();
  info.shard = programs_->shard();
  info.batch = batch();
  info.data_hash = data_hash_;
  info.document_hash = document_hash(document_.resolved);
  info.best_value = best_value_;
  info.best_step = best_step_;
  info.evaluations_without_improvement = without_improvement_;
  info.guard = guard_.state();
  updater_->save(info);
  return info;
}

std::string Session::save_checkpoint() {
  if (!checkpoints_) throw Error(ErrorCode::internal, "a checkpoint was asked for without a run folder");
  metrics_->flush();  // first: after a kill, rows up to the checkpoint's step are there
  return checkpoints_->save(checkpoint_info(), saved_tensors());
}

std::vector<NamedTensor> Session::saved_tensors() const {
  std::vector<NamedTensor> tensors = tensors_;
  for (const auto& [name, tensor] : aside_) tensors.push_back({std::string(kAside) + name, tensor->view()});
  return tensors;
}

void Session::retire_best() {
  if (checkpoints_) checkpoints_->retire_best(step_);
  best_value_.reset();
  best_step_ = without_improvement_ = 0;
  best_is_new_ = false;
}

// What must be as it was for the same bits. The document may change (a weight, a plugin): that is only said.
void Session::check_resumed(const CheckpointInfo& info, const std::string& file) const {
  Diagnostics diagnostics;
  const auto compare = [&](std::string_view what, const std::string& got, const std::string& expected) {
    if (got == expected) return;
    Diagnostic& finding = diagnostics.add(ErrorCode::checkpoint_mismatch, {file, 0, 0},
                                          fmt::format("the training was started with another {}", what));
    finding.got = got;
    finding.expected = expected;
  };
  compare("seed", fmt::format("{}", seed_), fmt::format("{}", info.seed));
  compare("number of lanes", fmt::format("{}", programs_->lanes()), fmt::format("{}", info.lanes));
  compare("shard", fmt::format("{}", programs_->shard()), fmt::format("{}", info.shard));
  compare("batch", fmt::format("{}", batch()), fmt::format("{}", info.batch));
  compare("data set (its content's hash)", data_hash_, info.data_hash);
  diagnostics.throw_if_any();
  if (info.document_hash != document_hash(document_.resolved))
    spdlog::warn("{}: the document has changed since this checkpoint was written", document_.file);
}

bool Session::resume() {
  prepare_training();
  if (!checkpoints_) throw Error(ErrorCode::internal, "a session without a run folder cannot be resumed");
  const std::string file = checkpoints_->recover();
  if (file.empty()) {
    metrics_->remove_after(0);
    return false;
  }
  const SafetensorsFile stored(file);
  check_resumed(CheckpointInfo::from_metadata(stored.metadata(), file), file);
  aside_.clear();
  for (const auto& [name, entry] : stored.entries()) {
    if (!name.starts_with(kAside)) continue;
    aside_[name.substr(kAside.size())] =
        std::make_shared<Tensor>(DType::f32, Shape(std::span<const std::int64_t>(entry.extents)));
  }
  const CheckpointInfo info = read_checkpoint(file, saved_tensors());
  step_ = info.step;
  best_value_ = info.best_value;
  best_step_ = info.best_step;
  without_improvement_ = info.evaluations_without_improvement;
  guard_.restore(info.guard);
  updater_->restore(info);
  store_.touch();
  forget_front();
  metrics_->remove_after(step_);
  if (best_value_ && best_step_ == step_)
    checkpoints_->save_best(info, saved_tensors());  // cut off between the two files
  return true;
}

void Session::load_weights(const std::string& file) {
  loom::load_weights(file, store_);
  forget_front();
}

}  // namespace loom
