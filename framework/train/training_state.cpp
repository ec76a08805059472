// Creates a state, and writes it to and reads it from a checkpoint.
#include "train/training_state.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <cmath>
#include <utility>

#include "document/rewrite.h"
#include "loom/error.h"
#include "run/algorithms.h"
#include "train/run_document.h"

namespace loom {
namespace {

constexpr std::string_view kAside = "aside/";

// What must be unchanged for the same bits. The document may change (a weight, a plugin); this is only a warning.
void check_same_run(const CheckpointInfo& mine, const CheckpointInfo& stored, const std::string& file,
                    const Differences& may) {
  Diagnostics diagnostics;
  const auto compare = [&](const char* hint, std::string_view what, const auto& got, const auto& expected) {
    if (got == expected) return;
    Diagnostic& finding = diagnostics.add(ErrorCode::checkpoint_mismatch, {file, 0, 0},
                                          fmt::format("the run was started with a different {}", what));
    finding.got = fmt::format("{}", got);
    finding.expected = fmt::format("{}", expected);
    finding.hint = hint;
  };
  compare("", "seed", mine.seed, stored.seed);
  if (!may.lanes) {
    compare("--lanes changes it", "number of lanes", mine.lanes, stored.lanes);
    compare("another number of --lanes continues with the sums of this version", "order of the lanes' sums", mine.sums,
            stored.sums);
  }
  if (!may.shard) compare("--shard changes it", "shard", mine.shard, stored.shard);
  if (!may.precision) compare("--precision changes it", "precision", mine.precision, stored.precision);
  if (!may.algorithms) {
    compare("--algorithms changes them", "algorithms", mine.algorithms, stored.algorithms);
    compare(
        "--algorithms transformed continues with the table of this version and processor, which the run's history "
        "records",
        "table of algorithms", recorded_algorithms(algorithms_word(stored.algorithms)), stored.algorithms);
  }
  if (!may.algorithms && !may.precision)
    compare("--algorithms transformed (or direct) continues with that of this version, which the run's history records",
            "revision of the kernels' arithmetic", mine.arithmetic, stored.arithmetic);
  if (!may.batch) compare("--batch changes it", "batch", mine.batch, stored.batch);
  if (!may.data)
    compare("train --resume RUN --accept-data continues with the data as they are now, and records the change",
            "data set (its content's hash)", mine.data_hash, stored.data_hash);
  diagnostics.throw_if_any();
}

}  // namespace

TrainingState::TrainingState(const Document& document, const RunSettings& settings, const Registry& registry,
                             Executor& executor)
    : document_(document),
      settings_(settings),
      executor_(executor),
      graph_(build_checked(document.nodes, registry)),
      parameters_(*graph_, settings.seed),
      plan_(plan_training(document, *graph_, parameters_, registry, findings_)),
      guard_(document.train, plan_.objectives.size()) {
  if (!plan_.still.empty()) graph_ = graph_->with_still(plan_.still);
}

void TrainingState::prepare() {
  findings_.throw_if_any();
  if (updater_) return;
  updater_ = std::make_unique<Updater>(parameters_, plan_, document_.train, executor_);
  for (const Parameter& item : parameters_.items()) tensors_.push_back({item.path, item.value.view()});
  const std::vector<NamedTensor> more = updater_->tensors();
  tensors_.insert(tensors_.end(), more.begin(), more.end());
}

void TrainingState::add_evaluation(double value) {
  progress_.evaluation_pending = false;
  if (!plan_.selection.counts(progress_.step)) return;
  if (std::isfinite(value) && (!progress_.best_value || plan_.selection.is_better(value, *progress_.best_value))) {
    progress_.best_value = value;
    progress_.best_step = progress_.step;
    progress_.evaluations_without_improvement = 0;
    best_is_new_ = true;
  } else {
    ++progress_.evaluations_without_improvement;
  }
}

bool TrainingState::gave_up() const {
  return document_.train.early_stopping > 0 &&
         progress_.evaluations_without_improvement >= document_.train.early_stopping;
}

bool TrainingState::take_new_best() { return std::exchange(best_is_new_, false); }

void TrainingState::forget_best() {
  progress_ = {
      .step = progress_.step, .data_from = progress_.data_from, .evaluation_pending = progress_.evaluation_pending};
  best_is_new_ = false;
}

std::vector<NamedTensor> TrainingState::tensors() const {
  std::vector<NamedTensor> tensors = tensors_;
  for (const auto& [name, tensor] : aside_) tensors.push_back({std::string(kAside) + name, tensor->view()});
  return tensors;
}

CheckpointInfo TrainingState::info(const std::string& data_hash) const {
  CheckpointInfo info;
  static_cast<TrainProgress&>(info) = progress_;
  info.seed = settings_.seed;
  info.lanes = settings_.lanes;
  info.shard = settings_.shard;
  info.batch = settings_.batch;
  info.algorithms = settings_.algorithms;
  info.precision = settings_.precision;
  info.sums = kSums;
  info.arithmetic = kArithmetic;
  info.isa = instruction_set();
  info.data_hash = data_hash;
  info.document_hash = document_hash(document_.resolved);
  if (info.best_value) info.best_of = plan_.selection.text(plan_);
  info.guard = guard_.state();
  updater_->save(info);
  return info;
}

CheckpointInfo TrainingState::restore(const std::string& file, const std::string& data_hash,
                                      const std::string& run_document, const Differences& may) {
  const SafetensorsFile stored(file);
  const CheckpointInfo mine = info(data_hash), theirs = CheckpointInfo::from_metadata(stored.metadata(), file);
  check_same_run(mine, theirs, file, may);
  if (run_document != theirs.document_hash && mine.document_hash != theirs.document_hash)
    spdlog::warn("{}: the document has changed since this checkpoint was written", document_.file);
  if (!theirs.isa.empty() && mine.isa != theirs.isa)
    spdlog::warn(
        "{}: computed on a processor with {}; this one has {}, whose sums are rounded differently: other bits from now "
        "on",
        file, theirs.isa, mine.isa);
  aside_.clear();
  untouched_ = false;
  for (const auto& [name, entry] : stored.entries()) {
    if (!name.starts_with(kAside)) continue;
    aside_[name.substr(kAside.size())] =
        std::make_shared<Tensor>(DType::f32, Shape(std::span<const std::int64_t>(entry.extents)));
  }
  CheckpointInfo restored = read_checkpoint(file, tensors());
  progress_ = restored;
  place_weights();
  guard_.restore(restored.guard);
  updater_->restore(restored);
  parameters_.touch();
  return restored;
}

}  // namespace loom
