// Starts and resumes a session; its evaluations, its checkpoints, and the replacement of a running session.
#include "train/session.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "data/validation_split.h"
#include "document/rewrite.h"
#include "io/atomic_file.h"
#include "loom/abi.h"
#include "loom/error.h"
#include "train/advice.h"
#include "train/check_document.h"
#include "train/data_card_json.h"
#include "train/feeds.h"
#include "train/masks.h"
#include "train/run_document.h"
#include "train/weight_sources.h"

namespace loom {
Session::Session(Document document, const Registry& registry, SessionSettings settings)
    : settings_(settings_of(document, std::move(settings))),
      document_(with_settings(std::move(document), settings_)),
      registry_(registry),
      executor_(settings_.threads),
      training_data_(registry, settings_.data, settings_.card),
      state_(document_, settings_, registry, executor_),
      recorder_(*state_.graph(), state_.parameters(), state_.plan()) {
  std::vector<LoadedWeights> loaded = load_weight_sources(document_, state_.parameters());
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
}

StepReport Session::step() {
  prepare_training();
  const StepReport report = stepper_->step();
  recorder_.record(report, stepper_->batches_per_epoch());
  return report;
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

std::string Session::save_checkpoint() {
  if (!checkpoints_) throw Error(ErrorCode::internal, "a checkpoint was requested without a run folder");
  recorder_.flush();  // first, so that after a kill the rows up to the checkpoint's step exist
  const std::string path = checkpoints_->save(checkpoint_info(), state_.tensors());
  saved_ = steps_done();
  return path;
}

void Session::retire_best() {
  if (checkpoints_) checkpoints_->retire_best(steps_done());
  state_.forget_best();
}

bool Session::resume() {
  prepare_training();
  if (!checkpoints_) throw Error(ErrorCode::internal, "a session without a run folder cannot be resumed");
  const std::string file = checkpoints_->recover();
  if (file.empty()) {
    metrics()->remove_after(0);
    return false;
  }
  const std::string stored = CheckpointInfo::from_metadata(SafetensorsFile(file).metadata(), file).data_hash;
  const CheckpointInfo info = state_.restore(file, training_data_.hash_beside(stored), run_document_);
  forget_front();
  metrics()->remove_after(info.step);
  saved_ = info.step;
  const std::string now = plan().selection.text(plan());
  if (info.best_value && info.best_of != now) {
    spdlog::warn("the best checkpoint so far was chosen by another measure, and is kept as best-until-{:06}: {}",
                 info.step, info.best_of.empty() ? "the negative ELBO" : info.best_of);
    retire_best();
  } else if (info.best_value && info.best_step == info.step)
    checkpoints_->save_best(info, state_.tensors());  // interrupted between the two files
  return true;
}

void Session::load_weights(const std::string& file) {
  loom::load_weights(file, state_.parameters());
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

std::unique_ptr<Session> start_session(Document document, const Registry& registry, SessionSettings settings,
                                       Diagnostics& findings) {
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
  // What stands in files of its own is met by an evaluation: a wrong path is told of before the first step.
  std::vector<std::string> named;
  if (has_validation(data)) named.emplace_back(kValidation);
  if (data.options.contains("test")) named.emplace_back("test");
  if (const std::string& split = document.train.monitor.split; !split.empty()) named.push_back(split);
  for (const std::string& split : named)
    require_read_classes(document, registry, *open_split(registry, data, split, opened.card_if_open().get()));
  auto session = std::make_unique<Session>(std::move(document), registry, std::move(settings));
  session->training_data().share(opened);
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
  return run;
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
  if (steps && *steps < done)
    throw Error(ErrorCode::usage, fmt::format("steps {}: the run has already done {}", *steps, done));
  session->metrics()->add_event({done, "resumed", who, fmt::format("from the checkpoint of step {}", done)});
  const std::string before = read_text_file(run.document_path()), &now = session->document().resolved;
  if (now != before) {  // the steps are others, or the run is of a version that did not write settings into it
    run.keep_documents(before, now);
    run.set_document(now);
  }
  if (steps || run.settings().format < kRunFormat) run.update_settings(session->run_settings());
  return session;
}

}  // namespace loom
