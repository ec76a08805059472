#include "runner/train_output.h"

#include <fmt/format.h>

#include <cmath>

#include "core/plain_nan.h"
#include "runner/console.h"
#include "runner/failure.h"

namespace loom::runner {
namespace {

std::string describe(const Evaluation& evaluation) {
  const std::string split = evaluation.split.empty() ? "" : evaluation.split + " ";
  const MetricValue* value = nullptr;
  for (const char* key : {"negative_elbo", "nll", "reconstruction"})
    if (value == nullptr) value = find_value(evaluation.values, key);
  if (value == nullptr) return fmt::format("{}loss {:.4f}", split, plain_nan(evaluation.loss));
  const double nats = plain_nan(number_of(*value).value());
  std::string text =
      fmt::format("{}{} {:.3f} +- {:.3f} nats", split, value->title, nats, value->standard_error.value_or(0));
  const auto rate = evaluation.number("rate"), committed = evaluation.number("committed_rate");
  if (committed && rate) text += fmt::format(", rate {:.1f} nats, committed {:.1f}", *rate, *committed);
  if (evaluation.is_whole && std::abs(evaluation.loss - nats) > 1e-6 * std::abs(evaluation.loss))
    text += fmt::format(", objective {:.3f}", evaluation.loss);
  if (const auto bits = evaluation.number("bits_per_dim")) text += fmt::format(", {:.4f} bits/dim", plain_nan(*bits));
  return text;
}

nlohmann::ordered_json to_json(const Session& session, const Outcome& outcome, const Progress& progress,
                               const report::FinishedFiles& files, const std::string& run) {
  using Json = nlohmann::ordered_json;
  const std::optional<Diagnostic> failure = failure_of(session, outcome);
  Json json = {{"run", run},
               {"steps", session.steps_done()},
               {"completed", outcome.end != TrainEnd::stopped && !failure},
               {"failure", failure ? failure->message : ""},
               {"seconds", progress.seconds()},
               {"samples_per_s", progress.samples_per_second()},
               {"skipped", session.state().guard().state().skipped},
               {"checkpoint", outcome.checkpoint}};
  const TrainProgress& done = session.state().progress();
  json["best"] = done.best_value ? Json({{"value", json_number(*done.best_value)},
                                         {"step", done.best_step},
                                         {"of", session.plan().selection.name()}})
                                 : Json(nullptr);
  const auto elbo = outcome.evaluation ? outcome.evaluation->number("negative_elbo") : std::nullopt;
  json["negative_elbo"] = elbo ? json_number(*elbo) : Json(nullptr);
  json["loss"] = outcome.evaluation ? json_number(outcome.evaluation->loss) : Json(nullptr);
  for (const report::FinishedFile* file : files.all()) json[file->name] = file->path;
  return json;
}

void print_summary(const Session& session, const Outcome& outcome, const Progress& progress,
                   const report::FinishedFiles& files) {
  const char* how = outcome.end == TrainEnd::stopped ? "stopped"
                    : outcome.end == TrainEnd::early ? "no more improvement"
                                                     : "done";
  print("{} at step {} of {} after {} ({:.0f} samples/s)\n", how, session.steps_done(), session.settings().steps,
        readable_time(progress.seconds()), progress.samples_per_second());
  if (outcome.evaluation) print("  {:<16} {}\n", "last evaluation", describe(*outcome.evaluation));
  if (const TrainProgress& done = session.state().progress(); done.best_value && done.best_step != done.step)
    print("  {:<16} {:.3f} at step {} ({})\n", "best", *done.best_value, done.best_step,
          session.plan().selection.name());
  if (const std::string& opponent = session.plan().selection.opponent; !opponent.empty())
    print("  {:<16} none: '{}' is adversarial (train.monitor names what to look at)\n", "best", opponent);
  if (const std::int64_t skipped = session.state().guard().state().skipped; skipped > 0)
    print("  {:<16} {} steps with an unusable gradient\n", "skipped", skipped);
  const auto row = [](const char* name, const std::string& path) {
    if (!path.empty()) print("  {:<16} {}\n", name, path);
  };
  row("checkpoint", outcome.checkpoint);
  for (const report::FinishedFile* file : files.all()) row(file->name.c_str(), file->path);
}

}  // namespace

TrainOutput::TrainOutput(const Session& first, double every_seconds, bool quiet, bool json)
    : progress_({first.settings().steps, first.batch() * first.document().train.accumulate, shown_terms(first),
                 every_seconds, quiet}),
      events_(json, every_seconds),
      json_(json) {}

void TrainOutput::line(const std::string& text) {
  progress_.line(text);
  events_.message(text);
}

void TrainOutput::introduce(Session& session, const std::string& run) {
  events_.started(session, run);
  const TrainingPrograms& programs = session.prepare_training();
  progress_.line(fmt::format("{}: {} parameters, {} of {} items, batch {}, {} threads, {} lanes, shards of {}, seed {}",
                             session.document().name, grouped(session.parameters().trainable_count()),
                             session.data().type, grouped(session.training_data().source()->size()), session.batch(),
                             session.executor().threads(), programs.lanes(), programs.shard(), session.seed()));
  if (session.executor().threads() > programs.lanes())
    line(fmt::format(
        "{} lanes keep {} of {} threads busy: a larger batch has more of them, and so has --lanes, with other bits",
        programs.lanes(), programs.lanes(), session.executor().threads()));
  for (const std::string& notice : session.training_data().source()->notices()) line(fmt::format("data: {}", notice));
  if (session.steps_done() > 0)
    progress_.line(fmt::format("resuming from step {} of {}", session.steps_done(), session.settings().steps));
  for (const std::string& path : session.plan().unreached)
    line(fmt::format("warning: no objective reaches the parameter {}", path));
  for (const std::string& note : session.plan().notes) line(fmt::format("warning: {}", note));
}

TrainObserver TrainOutput::observer_of(Session& session, Outcome& outcome) {
  progress_.set_terms(shown_terms(session), session.settings().steps);
  events_.set_session(session);
  TrainObserver observer;
  observer.step = [&](const StepReport& report) {
    progress_.step(report);
    events_.step(session, report);
  };
  observer.evaluation = [&](const Evaluation& evaluation) {
    const bool best = session.state().progress().best_step == session.steps_done();
    progress_.line(fmt::format("step {}: {}{}", session.steps_done(), describe(evaluation), best ? " (best)" : ""));
    events_.evaluation(session, evaluation, best);
    outcome.evaluation = evaluation;
  };
  observer.checkpoint = [&](const std::string& path) {
    events_.checkpoint(session.steps_done(), path);
    outcome.checkpoint = path;
  };
  return observer;
}

void TrainOutput::finish(const Session& session, const Outcome& outcome, const report::FinishedFiles& files,
                         const std::string& run) {
  if (json_)
    events_.finished(to_json(session, outcome, progress_, files, run));
  else
    print_summary(session, outcome, progress_, files);
}

}  // namespace loom::runner
