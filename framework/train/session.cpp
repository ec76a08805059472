// Starts and resumes a session; its evaluations, its checkpoints, and the replacement of a running session.
#include "train/session.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>

#include "data/validation_split.h"
#include "document/rewrite.h"
#include "io/atomic_file.h"
#include "loom/abi.h"
#include "loom/error.h"
#include "train/advice.h"
#include "train/check_document.h"
#include "train/data_card_json.h"
#include "train/feeds.h"
#include "train/inherited.h"
#include "train/masks.h"
#include "train/run_document.h"
#include "train/weight_sources.h"

namespace loom {
namespace {

Document without_inherited(Document document, const Registry& registry) {
  drop_inherited(document, registry);
  return document;
}

}  // namespace

Session::Session(Document document, const Registry& registry, SessionSettings settings)
    : settings_(settings_of(document, std::move(settings))),
      document_(with_settings(without_inherited(std::move(document), registry), settings_)),
      registry_(registry),
      executor_(settings_.threads),
      training_data_(registry, settings_.data, settings_.card),
      state_(document_, settings_, registry, executor_),
      recorder_(*state_.graph(), state_.parameters(), state_.plan()) {
  std::vector<LoadedWeights> loaded = load_weight_sources(document_, *state_.graph(), state_.parameters());
  if (!loaded.empty()) settings_.weights = std::move(loaded);
}

const TrainingPrograms& Session::prepare_training() {
  if (!stepper_) {
    stepper_ = std::make_unique<Stepper>(state_, settings_, training_data_);
    settings_.lanes = stepper_->programs().lanes();
    settings_.shard = stepper_->programs().shard();
  }
  return stepper_->programs();
}

const RunSettings& Session::run_settings() {
  prepare_training();
  settings_.card = training_data_.card();
  return settings_;
}

void Session::forget_front() {
  if (stepper_) stepper_->forget_batches();
  evaluator_.reset();
  saved_.clear();
}

Evaluation Session::evaluate(const EvaluationOptions& options) {
  if (!evaluator_) {
    Diagnostics findings;
    const std::vector<ChosenMetric> metrics = choose_metrics(document_, registry_, findings);
    findings.throw_if_any();
    evaluator_ = std::make_unique<Evaluator>(state_.graph(), state_.parameters(), executor_, registry_, plan().terms,
                                             Evaluator::Setting{.data = settings_.data,
                                                                .card = training_data_.card_if_open(),
                                                                .entries = document_.nodes,
                                                                .batch = settings_.batch,
                                                                .lanes = settings_.lanes,
                                                                .seed = settings_.seed,
                                                                .cache = settings_.cache,
                                                                .metrics = metrics});
  }
  const AveragedWeights averages(state_.average());
  Evaluation evaluation = evaluator_->run(options, plan().selection.weights);
  if (options.metrics) add_findings(document_, plan(), *graph(), evaluation.values);
  return evaluation;
}

void Session::attach(const RunFolder& run) {
  prepare_training();
  checkpoints_ = std::make_unique<CheckpointFolder>(run.checkpoints_path(), document_.train.keep);
  run_document_ = document_hash(read_text_file(run.document_path()));
  const auto metrics = std::make_shared<Metrics>(run.metrics_path());
  recorder_.attach(metrics);
  metrics->set_info("graph", document_.name);
  metrics->set_info("data", settings_.data.type);
  metrics->set_info("data_hash", training_data_.hash());
  metrics->set_info("version", LOOM_VERSION);
}

Adoption Session::adopt(const Session& running) {
  prepare_training();
  Adoption adoption = state_.adopt(running.state_);
  forget_front();
  checkpoints_.reset();
  if (running.checkpoints_)
    checkpoints_ = std::make_unique<CheckpointFolder>(running.checkpoints_->path(), document_.train.keep);
  recorder_.attach(running.recorder_.metrics());
  return adoption;
}

CheckpointInfo Session::checkpoint_info() {
  CheckpointInfo info = state_.info(training_data_.hash());
  info.data_card = to_json(*training_data_.card());
  return info;
}

bool Session::is_saved(const TextMap& metadata) const {
  std::error_code ignored;
  return metadata == saved_ && std::filesystem::exists(checkpoints_->path_of(steps_done()), ignored);
}

std::string Session::save_checkpoint() {
  if (!checkpoints_) throw Error(ErrorCode::internal, "a checkpoint was requested without a run folder");
  recorder_.flush();  // first, so that after a kill the rows up to the checkpoint's step exist
  const CheckpointInfo info = checkpoint_info();
  TextMap metadata = info.to_metadata();
  if (is_saved(metadata)) return checkpoints_->path_of(info.step);
  const std::string path = checkpoints_->save(info, state_.tensors());
  saved_ = std::move(metadata);
  return path;
}

void Session::retire_best() {
  if (checkpoints_) checkpoints_->retire_best(steps_done());
  state_.forget_best();
}

void Session::commit_to(RunFolder& run) {
  const RunSettings settings = run_settings();
  run.change(document_.resolved, settings, checkpoint_info(), [this] { save_checkpoint(); });
  run_document_ = document_hash(document_.resolved);
}

const std::vector<std::string>& Session::initialise(const InitialWeights& from) {
  if (stepper_) throw Error(ErrorCode::internal, "the weights are taken before training is prepared");
  state_.touch();
  InitialisedWeights taken = load_what_fits(from, document_.train, *state_.graph(), state_.parameters());
  settings_.weights.push_back(std::move(taken.loaded));
  return initial_weights_ = std::move(taken.lines);
}

void Session::load_weights(const std::string& file) {
  loom::load_weights(file, state_.parameters());
  state_.touch();
  forget_front();
}

namespace {

// Throws the classes that train does not have, of the columns that feed an input of the graph.
void require_read_classes(const Document& document, const Registry& registry, const DataSource& data) {
  const std::shared_ptr<const Graph> graph = build_checked(document.nodes, registry);
  const std::vector<int> inputs = graph->inputs();
  for (const std::string& name : columns_of(*graph, inputs, data.columns())) {
    const auto column = std::ranges::find(data.columns(), name, &Column::name);
    if (column != data.columns().end())
      data.require_known_classes(static_cast<std::size_t>(column - data.columns().begin()));
  }
}

}  // namespace

void check_splits(const Document& document, const Registry& registry, const DataEntry& data, const DataCard* card) {
  std::vector<std::string> named;
  if (has_validation(data)) named.emplace_back(kValidation);
  if (data.options.contains("test")) named.emplace_back("test");
  if (const std::string& split = document.train.monitor.split; !split.empty()) named.push_back(split);
  for (const std::string& split : named)
    require_read_classes(document, registry, *open_split(registry, data, split, card));
}

std::unique_ptr<Session> start_session(Document document, const Registry& registry, SessionSettings settings,
                                       Diagnostics& findings) {
  drop_inherited(document, registry);
  Document checked = document;
  if (settings.data) checked.data = *settings.data;  // what the document says of its own does not matter
  check_document(checked, registry, findings);
  findings.throw_if_any();
  if (document.data.type.empty() && !settings.data) {
    throw Error(ErrorCode::usage, fmt::format("{} does not name a data set", document.file),
                "give --data TYPE:PATH,key=value; graph-runner list shows the types");
  }
  const DataEntry data = settings.data.value_or(document.data);
  TrainingData opened(registry, data, settings.card);
  bind_masks(document, opened.source()->columns(), registry);
  check_splits(document, registry, data, opened.card_if_open().get());
  const std::optional<InitialWeights> init = std::move(settings.init);
  auto session = std::make_unique<Session>(std::move(document), registry, std::move(settings));
  session->training_data().share(opened);
  if (init) session->initialise(*init);
  return session;
}

// The first checkpoint has the weights that were loaded from other runs, so this run never needs those runs again.
RunFolder start_run(const std::string& path, Session& session) {
  const RunSettings& settings = session.run_settings();
  RunFolder run = RunFolder::create(path, session.document().resolved, settings, [&](const RunFolder& folder) {
    if (settings.weights.empty()) return;
    session.attach(folder);
    session.save_checkpoint();
  });
  if (settings.weights.empty()) session.attach(run);
  if (!session.initial_weights().empty())
    session.metrics()->add_event({0, "initialised", settings.weights.back().file,
                                  fmt::format("{}", fmt::join(session.initial_weights(), "\n"))});
  return run;
}

}  // namespace loom
