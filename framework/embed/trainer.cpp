#include "loom/trainer.h"

#include <atomic>
#include <filesystem>

#include "live/resume_changed.h"
#include "live/source.h"
#include "loom/error.h"
#include "plugin/registries.h"
#include "report/finish.h"
#include "train/session.h"

namespace loom {
namespace {

SessionSettings settings_from(const TrainerOptions& options) {
  SessionSettings settings{.steps = options.steps,
                           .batch = options.batch,
                           .seed = options.seed,
                           .threads = options.threads,
                           .lanes = options.lanes,
                           .shard = options.shard,
                           .algorithms = options.algorithms,
                           .precision = options.precision};
  if (!options.out.empty()) settings.cache = options.out + "/cache";
  return settings;
}

// What stands in place of the document's data; its overrides are taken out of `overrides`.
std::optional<DataEntry> data_of(const TrainerOptions& options, std::vector<std::string>& overrides) {
  if (options.data.empty()) return std::nullopt;
  return with_absolute_paths(take_data(options.data, overrides));
}

}  // namespace

class Trainer::Impl {
 public:
  explicit Impl(const TrainerOptions& options);
  Impl(const std::string& run, const ResumeOptions& options);

  // A new training job; `source`: the document that changes of the run start from (train --resume RUN --watch). `data`:
  // in place of the document's.
  void start(Document document, Diagnostics& findings, const RunSource& source, std::optional<DataEntry> data,
             const TrainerOptions& options);
  TrainObserver observer();
  void tell(const std::vector<std::string>& sentences) const {
    for (const std::string& sentence : sentences)
      if (notice) notice(sentence);
  }
  TrainEvaluation described(const Evaluation& evaluation) const;

  std::vector<std::string> plugins;
  std::function<void(const std::string&)> notice;
  std::unique_ptr<Registry> registry;  // the session is destroyed before the types that it uses
  std::optional<RunFolder> run;
  std::unique_ptr<Session> session;
  std::string out;
  std::function<void(const TrainStep&)> on_step;
  std::function<void(const TrainEvaluation&)> on_evaluation;
  std::function<void(const std::string&)> on_checkpoint;
  std::atomic<bool> stopping = false;
};

Trainer::Impl::Impl(const TrainerOptions& options)
    : plugins(options.plugins), notice(options.notice), out(options.out) {
  if (!out.empty()) RunFolder::check_free(out);
}

void Trainer::Impl::start(Document document, Diagnostics& findings, const RunSource& source,
                          std::optional<DataEntry> data, const TrainerOptions& options) {
  SessionSettings settings = settings_from(options);
  settings.source = source;
  settings.data = std::move(data);
  if (!options.init.empty()) settings.init = InitialWeights{options.init};
  registry = registry_for({document.plugins, plugins});
  session = start_session(std::move(document), *registry, std::move(settings), findings);
  tell(session->initial_weights());
  if (!out.empty()) run = start_run(out, *session);
}

Trainer::Impl::Impl(const std::string& folder, const ResumeOptions& options)
    : plugins(options.plugins), notice(options.notice), run(RunFolder::open(folder, true)), out(folder) {
  Document document = load_document(run->document_path());
  const ResumeChanges changes{.overrides = options.overrides,
                              .data = options.data,
                              .accept_data = options.accept_data,
                              .settings = {.steps = options.steps,
                                           .batch = options.batch,
                                           .threads = options.threads,
                                           .algorithms = options.algorithms,
                                           .precision = options.precision},
                              .who = "Trainer::resume",
                              .program = "",
                              .limits = {}};
  registry = registry_for({document.plugins, plugins});
  if (!changes.any()) {
    session = resume_run(*run, std::move(document), *registry, changes.settings, changes.who);
    return;
  }
  LiveModel model;
  model.registry = std::move(registry);
  set_source(model, *run, document, plugins);
  Resumed resumed = resume_changed(*run, std::move(model), std::move(document), changes);
  registry = std::move(resumed.model.registry);
  session = std::move(resumed.model.session);
  tell(resumed.notes);
}

TrainEvaluation Trainer::Impl::described(const Evaluation& evaluation) const {
  TrainEvaluation described;
  described.step = session->steps_done();
  described.samples = evaluation.samples;
  described.loss = evaluation.loss;
  described.negative_elbo = evaluation.number("negative_elbo");
  described.values = evaluation.values;
  return described;
}

TrainObserver Trainer::Impl::observer() {
  TrainObserver observer;
  if (on_step) {
    observer.step = [this](const StepReport& report) {
      TrainStep step{report.step, report.skipped, report.loss, report.learning_rate, {}};
      const std::vector<LossTerm>& terms = session->plan().terms;
      for (std::size_t t = 0; t < terms.size() && t < report.terms.size(); ++t)
        step.terms.emplace_back(terms[t].name, report.terms[t]);
      on_step(step);
    };
  }
  if (on_evaluation) {
    observer.evaluation = [this](const Evaluation& evaluation) {
      TrainEvaluation told = described(evaluation);
      told.best = session->state().progress().best_step == session->steps_done();
      on_evaluation(told);
    };
  }
  if (on_checkpoint) observer.checkpoint = on_checkpoint;
  return observer;
}

Trainer::Trainer(const std::string& graph, const TrainerOptions& options) : impl_(std::make_unique<Impl>(options)) {
  RunSource source{
      std::filesystem::absolute(graph).lexically_normal().string(), options.overrides, {}, options.plugins};
  std::optional<DataEntry> data = data_of(options, source.overrides);
  Diagnostics findings;
  Document document = load_source(source, findings);
  impl_->start(std::move(document), findings, source, std::move(data), options);
}
Trainer::Trainer(const DocumentText& text, const TrainerOptions& options) : impl_(std::make_unique<Impl>(options)) {
  std::vector<std::string> overrides = options.overrides;
  std::optional<DataEntry> data = data_of(options, overrides);
  Diagnostics findings;
  Document document = parse_document(text.yaml, text.name, text.folder, parse_overrides(overrides));
  name_plugins(document, options.plugins);
  impl_->start(std::move(document), findings, {}, std::move(data), options);
}
Trainer::Trainer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Trainer Trainer::resume(const std::string& run, const ResumeOptions& options) {
  return Trainer(std::make_unique<Impl>(run, options));
}
Trainer::~Trainer() = default;
Trainer::Trainer(Trainer&& other) noexcept = default;
Trainer& Trainer::operator=(Trainer&& other) noexcept = default;

void Trainer::on_step(std::function<void(const TrainStep&)> function) { impl_->on_step = std::move(function); }
void Trainer::on_evaluation(std::function<void(const TrainEvaluation&)> function) {
  impl_->on_evaluation = std::move(function);
}
void Trainer::on_checkpoint(std::function<void(const std::string&)> function) {
  impl_->on_checkpoint = std::move(function);
}

TrainResult Trainer::train(std::int64_t steps) {
  Session& session = *impl_->session;
  TrainObserver observer = impl_->observer();
  const std::int64_t until = session.steps_done() + steps;
  if (steps > 0) observer.leave = [&session, until] { return session.steps_done() >= until; };
  switch (session.train(observer, [this] { return impl_->stopping.exchange(false); })) {
    case TrainEnd::stopped: return TrainResult::stopped;
    case TrainEnd::early: return TrainResult::early;
    case TrainEnd::left: return TrainResult::paused;
    case TrainEnd::completed: break;
  }
  return TrainResult::completed;
}

void Trainer::stop() { impl_->stopping = true; }

TrainEvaluation Trainer::evaluate(const std::string& split, std::int64_t limit) {
  return impl_->described(impl_->session->evaluate({.split = split, .limit = limit}));
}

std::string Trainer::save_checkpoint() {
  if (!impl_->run) throw Error(ErrorCode::usage, "no run is written: there is no folder for a checkpoint");
  return impl_->session->save_checkpoint();
}

std::vector<std::string> Trainer::finish() {
  if (!impl_->run) throw Error(ErrorCode::usage, "no run is written: there is no folder for a report");
  const report::FinishedFiles files =
      report::finish_run(impl_->out, {.plugins = impl_->plugins, .threads = threads(), .notice = impl_->notice});
  std::vector<std::string> paths;
  for (const report::FinishedFile* file : files.all())
    if (!file->path.empty()) paths.push_back(file->path);
  return paths;
}

const std::string& Trainer::name() const { return impl_->session->document().name; }
const std::string& Trainer::out() const { return impl_->out; }
std::int64_t Trainer::steps() const { return impl_->session->settings().steps; }
std::int64_t Trainer::steps_done() const { return impl_->session->steps_done(); }
std::int64_t Trainer::batch() const { return impl_->session->batch(); }
std::uint64_t Trainer::seed() const { return impl_->session->seed(); }
int Trainer::threads() const { return impl_->session->executor().threads(); }

}  // namespace loom
