// graph-runner train: trains a graph into a run folder, or goes on with one.
#include <fmt/format.h>

#include <filesystem>

#include "measure/advice.h"
#include "measure/codebook_advice.h"
#include "plugin/registries.h"
#include "runner/console.h"
#include "runner/finish.h"
#include "runner/plugins.h"
#include "runner/progress.h"
#include "runner/signals.h"
#include "runner/verbs.h"
#include "train/check_document.h"
#include "train/session.h"

namespace loom::runner {
namespace {

struct Request {
  std::vector<std::string> plugins;
  std::string graph, data, out, resume, precision = "f32";
  std::vector<std::string> overrides;
  std::optional<std::int64_t> steps, batch;
  std::optional<std::uint64_t> seed;
  int threads = 0, lanes = 0;
  std::int64_t shard = 0;
  double log_every = 10;
  bool quiet = false;
};

void check_use(const Request& request) {
  if (request.precision != "f32") {
    throw Error(ErrorCode::not_supported,
                fmt::format("precision {} is not supported by this version", request.precision),
                "leave --precision out, or give f32");
  }
  if (request.resume.empty()) {
    if (request.graph.empty()) throw usage_error("train", "neither a graph nor --resume is given");
    if (request.out.empty()) throw usage_error("train", "--out is missing: the folder that the run is written to");
    return;
  }
  const bool more = !request.graph.empty() || !request.out.empty() || !request.data.empty() ||
                    !request.overrides.empty() || request.batch || request.seed || request.lanes > 0 ||
                    request.shard > 0;
  if (more)
    throw usage_error(
        "train",
        "--resume goes on with what the run was started with: beside it stand only --steps, --threads and --plugin");
}

// A training and the folder it goes into.
struct Training {
  std::unique_ptr<Registry> registry;
  std::optional<RunFolder> run;
  std::unique_ptr<Session> session;
};

// What --plugin loads becomes part of the document by its name: the run then says what it needs.
Document load(Training& training, const Request& request, const std::vector<Override>& overrides) {
  Diagnostics diagnostics;
  Document document = load_document(request.graph, overrides, diagnostics);
  training.registry = find_registry({document.plugins, request.plugins}, diagnostics);
  check_document(document, *training.registry, diagnostics);
  diagnostics.throw_if_any();
  name_plugins(document, request.plugins);
  return document;
}

void start(Training& training, const Request& request) {
  RunFolder::check_free(request.out);
  std::vector<Override> overrides;
  for (const std::string& text : request.overrides) overrides.push_back(parse_override(text));
  SessionSettings settings;
  if (!request.data.empty()) settings.data = parse_data_specification(request.data);
  settings.steps = request.steps;
  settings.batch = request.batch;
  settings.seed = request.seed;
  settings.threads = request.threads;
  settings.lanes = request.lanes;
  settings.shard = request.shard;
  settings.cache = request.out + "/cache";
  Document document = load(training, request, overrides);
  if (document.data.type.empty() && !settings.data) {
    throw Error(ErrorCode::usage, fmt::format("{} names no data", request.graph),
                "give --data TYPE:PATH,key=value; graph-runner list shows the types");
  }
  training.session = std::make_unique<Session>(std::move(document), *training.registry, std::move(settings));
  const RunSettings run_settings = training.session->run_settings();
  // What was loaded from other runs is in this one's checkpoints from the start: it never needs them again.
  training.run =
      RunFolder::create(request.out, training.session->document().resolved, run_settings, [&](const RunFolder& run) {
        if (run_settings.weights.empty()) return;
        training.session->attach(run);
        training.session->save_checkpoint();
      });
  if (run_settings.weights.empty()) training.session->attach(*training.run);
}

void resume(Training& training, const Request& request) {
  training.run = RunFolder::open(request.resume, true);
  SessionSettings settings;
  settings.steps = request.steps;
  settings.threads = request.threads;
  settings.cache = training.run->cache_path();
  settings = settings_of(training.run->settings(), std::move(settings));
  Document document = load_document(training.run->document_path());
  training.registry = registry_for({document.plugins, request.plugins});
  training.session = std::make_unique<Session>(std::move(document), *training.registry, std::move(settings));
  training.session->attach(*training.run);
  training.session->resume();
  if (request.steps && *request.steps < training.session->steps_done()) {
    throw usage_error("train", fmt::format("--steps {}: the run has done {} already", *request.steps,
                                           training.session->steps_done()));
  }
  if (request.steps) training.run->update_settings(training.session->run_settings());
}

void introduce(const Training& training, Progress& progress) {
  Session& session = *training.session;
  const TrainingPrograms& programs = session.programs();
  progress.line(fmt::format("{}: {} parameters, {} of {} items, batch {}, {} threads, {} lanes, shards of {}, seed {}",
                            session.document().name, grouped(session.parameters().trainable_count()),
                            session.data().type, grouped(session.data_source().size()), session.batch(),
                            session.executor().threads(), programs.lanes(), programs.shard(), session.seed()));
  if (session.steps_done() > 0)
    progress.line(fmt::format("going on from step {} of {}", session.steps_done(), session.steps()));
  for (const std::string& path : session.plan().unreached)
    progress.line(fmt::format("warning: no objective reaches the parameter {}", path));
}

std::string describe(const Evaluation& evaluation) {
  const std::string split = evaluation.split.empty() ? "" : evaluation.split + " ";
  if (!evaluation.has_likelihood) return fmt::format("{}loss {:.4f}", split, evaluation.loss);
  std::string text =
      fmt::format("{}negative ELBO {:.3f} +- {:.3f} nats", split, evaluation.negative_elbo, evaluation.standard_error);
  if (evaluation.committed_rate && evaluation.rate)
    text += fmt::format(", rate {:.1f} nats, committed {:.1f}", *evaluation.rate, *evaluation.committed_rate);
  if (evaluation.bits_per_dim) text += fmt::format(", {:.4f} bits/dim", *evaluation.bits_per_dim);
  return text;
}

struct Outcome {
  TrainEnd end = TrainEnd::completed;
  std::optional<Evaluation> evaluation;  // the last one
  std::string checkpoint;                // the last one
};

Outcome run_training(Session& session, Progress& progress, const StopSignals& signals) {
  Outcome outcome;
  measure::CollapseReporter collapse(session.document(), *session.graph(), measure::kCollapseInTraining);
  measure::CodebookReporter codebooks(*session.graph());
  EvaluationWatches watches;
  watches.join(collapse);
  watches.join(codebooks);
  TrainObserver observer;
  if (!watches.empty()) observer.watch = &watches;
  observer.step = [&](const StepReport& report) { progress.step(report); };
  observer.evaluation = [&](const Evaluation& evaluation) {
    const bool best = session.best_step() == session.steps_done();
    progress.line(fmt::format("step {}: {}{}", session.steps_done(), describe(evaluation), best ? " (best)" : ""));
    outcome.evaluation = evaluation;
  };
  observer.checkpoint = [&](const std::string& path) { outcome.checkpoint = path; };
  outcome.end = session.train(observer, [&] { return signals.received() != 0; });
  progress.clear();
  return outcome;
}

nlohmann::ordered_json to_json(const Session& session, const Outcome& outcome, const Progress& progress,
                               const FinishedFiles& files, const std::string& run) {
  using Json = nlohmann::ordered_json;
  Json json = {{"run", run},
               {"steps", session.steps_done()},
               {"completed", outcome.end != TrainEnd::stopped},
               {"seconds", progress.seconds()},
               {"samples_per_s", progress.samples_per_second()},
               {"skipped", session.guard().skipped},
               {"checkpoint", outcome.checkpoint}};
  json["best"] = session.best_value()
                     ? Json({{"value", json_number(*session.best_value())}, {"step", session.best_step()}})
                     : Json(nullptr);
  json["negative_elbo"] = outcome.evaluation && outcome.evaluation->has_likelihood
                              ? json_number(outcome.evaluation->negative_elbo)
                              : Json(nullptr);
  json["samples"] = files.samples;
  json["reconstructions"] = files.reconstructions;
  json["report"] = files.report;
  return json;
}

void print_summary(const Session& session, const Outcome& outcome, const Progress& progress,
                   const FinishedFiles& files) {
  const char* how = outcome.end == TrainEnd::stopped ? "stopped"
                    : outcome.end == TrainEnd::early ? "no more improvement"
                                                     : "done";
  print("{} at step {} of {} after {} ({:.0f} samples/s)\n", how, session.steps_done(), session.steps(),
        readable_time(progress.seconds()), progress.samples_per_second());
  if (outcome.evaluation) print("  {:<16} {}\n", "last evaluation", describe(*outcome.evaluation));
  if (session.best_value() && session.best_step() != session.steps_done())
    print("  {:<16} {:.3f} at step {}\n", "best", *session.best_value(), session.best_step());
  if (session.guard().skipped > 0)
    print("  {:<16} {} steps whose gradient was not usable\n", "skipped", session.guard().skipped);
  const auto row = [](const char* name, const std::string& path) {
    if (!path.empty()) print("  {:<16} {}\n", name, path);
  };
  row("checkpoint", outcome.checkpoint);
  row("samples", files.samples);
  row("reconstructions", files.reconstructions);
  row("report", files.report);
}

int train(const Request& request, bool json) {
  check_use(request);
  const StopSignals signals;
  Training training;
  if (request.resume.empty())
    start(training, request);
  else
    resume(training, request);
  Session& session = *training.session;
  ProgressOptions options{session.steps_done(), session.steps(), session.batch(), {}, request.log_every, request.quiet};
  for (const LossTerm& term : session.plan().terms) options.terms.push_back(term.name);
  Progress progress(std::move(options));
  introduce(training, progress);
  const Outcome outcome = run_training(session, progress, signals);
  FinishedFiles files;
  if (signals.received() == 0) files = finish_run(training.run->path(), request.threads, request.plugins);
  if (json)
    print_json(to_json(session, outcome, progress, files, training.run->path()));
  else
    print_summary(session, outcome, progress, files);
  if (signals.received() == 0) return kOk;
  say(fmt::format("go on with: graph-runner train --resume {}\n", training.run->path()));
  return signals.exit_code();
}

}  // namespace

void add_train(CLI::App& app, Invocation& invocation) {
  CLI::App* verb = add_verb(app, "train", "Train a graph into a run folder, or go on with a run",
                            "graph-runner train graphs/vae.yaml --out runs/first\n"
                            "  graph-runner train graphs/vae-mnist.yaml --data idx:mnist --set vars.latent=8 --steps "
                            "4700 --batch 128 --out runs/mnist\n"
                            "  graph-runner train --resume runs/first");
  auto request = std::make_shared<Request>();
  verb->add_option("GRAPH", request->graph, "a graph file");
  verb->add_option("--out", request->out, "the folder that the run is written to; it must not hold one");
  verb->add_option("--resume", request->resume, "go on with the run in this folder");
  verb->add_option("--data", request->data, "data in place of the graph's: TYPE:PATH,key=value,...");
  verb->add_option("--set", request->overrides,
                   "change a value of the graph: PATH=VALUE, as in train.optimizer.lr=1e-4")
      ->allow_extra_args(false);
  verb->add_option("--steps", request->steps, "steps in all; 0 writes the initial weights")->check(at_least(0));
  verb->add_option("--batch", request->batch, "samples of a step")->check(at_least(1));
  verb->add_option("--seed", request->seed, "seed of weights, order of the data, and noise");
  verb->add_option("--threads", request->threads, "threads; 0: one a core. They change no bit of the result")
      ->check(at_least(0))
      ->capture_default_str();
  verb->add_option("--lanes", request->lanes, "lanes that shards are dealt to; 0: one a thread")
      ->check(at_least(0))
      ->capture_default_str();
  verb->add_option("--shard", request->shard, "samples of a shard; 0: chosen from the shapes")
      ->check(at_least(0))
      ->capture_default_str();
  verb->add_option("--precision", request->precision, "arithmetic")
      ->check(one_of({"f32", "bf16"}))
      ->capture_default_str();
  verb->add_option("--log-every", request->log_every, "seconds between lines where there is no terminal")
      ->check(at_least(0))
      ->capture_default_str();
  verb->add_flag("--quiet", request->quiet, "no progress");
  add_plugins(verb, request->plugins);
  add_json(verb, invocation);
  verb->callback([&invocation, request] {
    invocation.action = [&invocation, request] { return train(*request, invocation.json); };
  });
}

}  // namespace loom::runner
