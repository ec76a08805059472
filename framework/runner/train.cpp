// graph-runner train: trains a graph into a run folder, or resumes a run.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <filesystem>

#include "live/live_training.h"
#include "report/finish.h"
#include "runner/console.h"
#include "runner/progress.h"
#include "runner/signals.h"
#include "runner/training.h"
#include "runner/verbs.h"

namespace loom::runner {
namespace {

void introduce(Session& session, Progress& progress) {
  const TrainingPrograms& programs = session.prepare_training();
  progress.line(fmt::format("{}: {} parameters, {} of {} items, batch {}, {} threads, {} lanes, shards of {}, seed {}",
                            session.document().name, grouped(session.parameters().trainable_count()),
                            session.data().type, grouped(session.training_data().source()->size()), session.batch(),
                            session.executor().threads(), programs.lanes(), programs.shard(), session.seed()));
  for (const std::string& notice : session.training_data().source()->notices())
    progress.line(fmt::format("data: {}", notice));
  if (session.steps_done() > 0)
    progress.line(fmt::format("resuming from step {} of {}", session.steps_done(), session.settings().steps));
  for (const std::string& path : session.plan().unreached)
    progress.line(fmt::format("warning: no objective reaches the parameter {}", path));
  for (const std::string& note : session.plan().notes) progress.line(fmt::format("warning: {}", note));
}

std::vector<std::string> terms_of(const Session& session) {
  std::vector<std::string> names;
  for (const LossTerm& term : session.plan().terms) names.push_back(term.name);
  return names;
}

std::string describe(const Evaluation& evaluation) {
  const std::string split = evaluation.split.empty() ? "" : evaluation.split + " ";
  const MetricValue* value = nullptr;
  for (const char* key : {"negative_elbo", "nll", "reconstruction"})
    if (value == nullptr) value = find_value(evaluation.values, key);
  if (value == nullptr) return fmt::format("{}loss {:.4f}", split, evaluation.loss);
  const double nats = number_of(*value).value();
  std::string text =
      fmt::format("{}{} {:.3f} +- {:.3f} nats", split, value->title, nats, value->standard_error.value_or(0));
  const auto rate = evaluation.number("rate"), committed = evaluation.number("committed_rate");
  if (committed && rate) text += fmt::format(", rate {:.1f} nats, committed {:.1f}", *rate, *committed);
  if (std::abs(evaluation.loss - nats) > 1e-6 * std::abs(evaluation.loss))
    text += fmt::format(", objective {:.3f}", evaluation.loss);
  if (const auto bits = evaluation.number("bits_per_dim")) text += fmt::format(", {:.4f} bits/dim", *bits);
  return text;
}

struct Outcome {
  TrainEnd end = TrainEnd::completed;
  std::optional<Evaluation> evaluation;  // the last one
  std::string checkpoint;                // the last one
};

Outcome run_training(LiveTraining& live, Progress& progress, const StopSignals& signals) {
  Outcome outcome;
  const auto observe = [&](Session& session) {
    progress.set_terms(terms_of(session), session.settings().steps);
    TrainObserver observer;
    observer.step = [&](const StepReport& report) { progress.step(report); };
    observer.evaluation = [&](const Evaluation& evaluation) {
      const bool best = session.state().progress().best_step == session.steps_done();
      progress.line(fmt::format("step {}: {}{}", session.steps_done(), describe(evaluation), best ? " (best)" : ""));
      outcome.evaluation = evaluation;
    };
    observer.checkpoint = [&](const std::string& path) { outcome.checkpoint = path; };
    return observer;
  };
  outcome.end = live.train(observe, [&] { return signals.received() != 0; });
  progress.clear();
  return outcome;
}

LiveOptions live_options(const TrainRequest& request, Progress& progress, StopSignals& signals) {
  LiveOptions options;
  options.watch = request.watch;
  options.program = this_program();
  options.limits.seconds = request.probation_limit;
  options.wants_checkpoint = [&signals] { return signals.take_checkpoint_request(); };
  options.say = [&progress](const std::string& line) { progress.line(line); };
  return options;
}

// What makes a training that came to its end a failure; "" for one that is none. Nothing is thrown: the run is whole.
std::string failure_of(const Session& session, const Outcome& outcome) {
  const std::int64_t skipped = session.state().guard().state().skipped;
  if (session.steps_done() > 0 && skipped >= session.steps_done())
    return fmt::format("no step was applied: all {} had an unusable loss or gradient", grouped(skipped));
  if (outcome.evaluation && outcome.evaluation->samples > 0 && !std::isfinite(outcome.evaluation->loss))
    return fmt::format("the last evaluation is not finite: its loss is {}", outcome.evaluation->loss);
  return "";
}

nlohmann::ordered_json to_json(const Session& session, const Outcome& outcome, const Progress& progress,
                               const report::FinishedFiles& files, const std::string& run) {
  using Json = nlohmann::ordered_json;
  Json json = {{"run", run},
               {"steps", session.steps_done()},
               {"completed", outcome.end != TrainEnd::stopped && failure_of(session, outcome).empty()},
               {"failure", failure_of(session, outcome)},
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
  json["samples"] = files.samples;
  json["reconstructions"] = files.reconstructions;
  json["report"] = files.report;
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
  if (const std::int64_t skipped = session.state().guard().state().skipped; skipped > 0)
    print("  {:<16} {} steps with an unusable gradient\n", "skipped", skipped);
  const auto row = [](const char* name, const std::string& path) {
    if (!path.empty()) print("  {:<16} {}\n", name, path);
  };
  row("checkpoint", outcome.checkpoint);
  row("samples", files.samples);
  row("reconstructions", files.reconstructions);
  row("report", files.report);
}

void warn(const std::string& sentence) { spdlog::warn("{}", sentence); }

int train(const TrainRequest& request, bool json) {
  StopSignals signals;
  Training training = begin_training(request);
  Session& first = *training.model.session;
  ProgressOptions options{first.steps_done(), first.settings().steps, first.batch(),
                          terms_of(first),    request.log_every,      request.quiet};
  Progress progress(std::move(options));
  introduce(first, progress);
  for (const std::string& note : training.notes) progress.line(note);
  LiveTraining live(std::move(training.model), *training.run, live_options(request, progress, signals));
  const Outcome outcome = run_training(live, progress, signals);
  const bool to_the_end = outcome.end != TrainEnd::stopped && signals.received() == 0;
  report::FinishedFiles files;
  if (to_the_end)
    files = report::finish_run(training.run->path(),
                               {.plugins = request.plugins, .threads = request.settings.threads, .notice = warn});
  if (json)
    print_json(to_json(live.session(), outcome, progress, files, training.run->path()));
  else
    print_summary(live.session(), outcome, progress, files);
  if (const std::string failure = failure_of(live.session(), outcome); to_the_end && !failure.empty()) {
    Diagnostic finding;
    finding.code = ErrorCode::not_finite;
    finding.message = failure;
    finding.hint =
        "lower the learning rate, set train.clip_norm, or bring the data to the scale of 1 (normalize: dataset)";
    say(finding.text() + "\n");
    return kFailed;
  }
  if (to_the_end) return kOk;
  say(fmt::format("to resume: graph-runner train --resume {}\n", training.run->path()));
  return signals.received() == 0 ? kOk : signals.exit_code();
}

// Where a run comes from: a graph, a run, other weights; and its data.
void add_sources(CLI::App* verb, TrainRequest& request) {
  verb->add_option("--out", request.out, "the folder that the run is written to; it must not contain a run");
  verb->add_option("--resume", request.resume,
                   "resume the run in this folder. --set, --data, --steps, --batch, --lanes and --shard change it from "
                   "its newest checkpoint on, which its history records (docs/runs.md)");
  verb->add_option("--init", request.init,
                   "start with the weights of this run or safetensors file, as far as they fit by path and shape");
  verb->add_flag("--newest", request.newest, "of --init: the run's newest checkpoint instead of its best");
  verb->add_option("--rename", request.rename,
                   "of --init: a name in the file and the node that it stands for, as in features.0=conv1")
      ->allow_extra_args(false);
  verb->add_option("--data", request.data, "data instead of the graph's, or of the run's: TYPE:PATH,key=value,...");
  verb->add_flag("--accept-data", request.accept_data,
                 "of --resume: continue with data whose content has changed since");
}

void add_train(CLI::App& app, Invocation& invocation) {
  CLI::App* verb = add_verb(app, "train", "Train a graph into a run folder, or resume a run",
                            "graph-runner train graphs/vae.yaml --out runs/first\n"
                            "  graph-runner train graphs/vae-mnist.yaml --data idx:mnist --set vars.latent=8 --steps "
                            "4700 --batch 128 --out runs/mnist\n"
                            "  graph-runner train --resume runs/first\n"
                            "  graph-runner train --resume runs/first --steps 8000 --set train.optimizer.lr=1e-4\n"
                            "  graph-runner train graphs/beta-vae.yaml --init runs/first --out runs/second\n\n"
                            "SIGTERM, SIGINT and SIGHUP stop after a step, with a checkpoint; SIGUSR1 writes a "
                            "checkpoint, and training continues.");
  auto request = std::make_shared<TrainRequest>();
  verb->add_option("GRAPH", request->graph, "a graph file");
  add_sources(verb, *request);
  verb->add_option("--set", request->overrides,
                   "change a value of the graph: PATH=VALUE, as in train.optimizer.lr=1e-4")
      ->allow_extra_args(false);
  verb->add_option("--steps", request->settings.steps, "total number of steps; 0 writes the initial weights")
      ->check(at_least(0));
  verb->add_option("--batch", request->settings.batch, "samples per step")->check(at_least(1));
  verb->add_option("--seed", request->settings.seed, "seed of weights, order of the data, and noise");
  verb->add_option("--threads", request->settings.threads,
                   "threads; 0: one per core. For a given --lanes, the number does not affect the result")
      ->check(at_least(0))
      ->capture_default_str();
  verb->add_option("--lanes", request->settings.lanes, "lanes that shards are dealt to; 0: one per thread")
      ->check(at_least(0))
      ->capture_default_str();
  verb->add_option("--shard", request->settings.shard, "samples per shard; 0: chosen from the shapes")
      ->check(at_least(0))
      ->capture_default_str();
  verb->add_option("--log-every", request->log_every, "seconds between lines if the output is not a terminal")
      ->check(at_least(0))
      ->capture_default_str();
  verb->add_flag("--watch", request->watch,
                 "apply changes of the graph's files and of plugin libraries during training (docs/hot-swap.md)");
  verb->add_option("--probation-limit", request->probation_limit, "time limit of the trial of a change, in seconds")
      ->check(at_least(1))
      ->capture_default_str();
  verb->add_flag("--quiet", request->quiet, "no progress");
  add_plugins(verb, request->plugins);
  add_json(verb, invocation);
  verb->callback([&invocation, request] {
    invocation.action = [&invocation, request] { return train(*request, invocation.json); };
  });
}
LOOM_VERB(10, add_train)

}  // namespace

}  // namespace loom::runner
