// graph-runner train: trains a graph into a run folder, or resumes a run.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <filesystem>
#include <utility>

#include "live/live_training.h"
#include "report/finish.h"
#include "runner/background_report.h"
#include "runner/console.h"
#include "runner/model_flags.h"
#include "runner/signals.h"
#include "runner/train_output.h"
#include "runner/training.h"
#include "runner/verbs.h"
#include "train/trace_file.h"

namespace loom::runner {
namespace {

constexpr std::size_t kTracedSpans = 200000;

std::string this_program() { return std::filesystem::canonical("/proc/self/exe").string(); }

LiveOptions live_options(const TrainRequest& request, TrainOutput& output, StopSignals& signals) {
  LiveOptions options;
  options.watch = request.watch;
  options.program = this_program();
  options.limits.seconds = request.probation_limit;
  options.wants_checkpoint = [&signals] { return signals.take_checkpoint_request(); };
  options.say = [&output](const std::string& line) { output.line(line); };
  return options;
}

// `report` ends with this function, before the last report is made.
Outcome run_training(LiveTraining& live, TrainOutput& output, BackgroundReport report, const StopSignals& signals,
                     Trace* trace) {
  Outcome outcome;
  bool evaluated = false;
  const auto observe = [&](Session& session) {
    session.executor().set_trace(trace);
    TrainObserver observer = output.observer_of(session, outcome);
    observer.evaluation = [&, say = std::move(observer.evaluation)](const Evaluation& evaluation) {
      say(evaluation);
      evaluated = true;
    };
    observer.step = [&, say = std::move(observer.step)](const StepReport& step) {
      say(step);
      if (std::exchange(evaluated, false)) report.renew();  // what follows an evaluation is now on disk
    };
    return observer;
  };
  outcome.end = live.train(observe, [&] { return signals.received() != 0; });
  output.clear();
  return outcome;
}

void warn(const std::string& sentence) { spdlog::warn("{}", sentence); }

// Whether the run has anything to show: a run that failed before its first checkpoint has not.
report::FinishedFiles finished_files(const TrainRequest& request, const std::string& run, const Outcome& outcome) {
  if (outcome.checkpoint.empty()) return {};
  return report::finish_run(run, {.plugins = request.plugins, .threads = request.settings.threads, .notice = warn});
}

int train(const TrainRequest& request, bool json) {
  StopSignals signals;
  std::optional<Trace> trace;
  if (!request.trace.empty()) write_trace(trace.emplace(kTracedSpans), request.trace);  // a bad path fails here
  Training training = begin_training(request);
  const std::string& run = training.run->path();
  TrainOutput output(*training.model.session, request.log_every, request.quiet, json);
  output.introduce(*training.model.session, run);
  for (const std::string& note : training.notes) output.line(note);
  LiveTraining live(std::move(training.model), *training.run, live_options(request, output, signals));
  // A training that fails leaves the trace of what it did.
  const auto traced = [&] {
    try {
      return run_training(live, output, BackgroundReport(this_program(), run, request.plugins), signals,
                          trace ? &*trace : nullptr);
    } catch (...) {
      if (trace) write_trace(*trace, request.trace);
      throw;
    }
  };
  const Outcome outcome = traced();
  if (trace) write_trace(*trace, request.trace);
  // The pictures may take a while: whoever stopped this job may resume the run before they are made.
  live.close();
  training.run->release();
  const bool to_the_end = outcome.end != TrainEnd::stopped && signals.received() == 0;
  output.finish(live.session(), outcome, finished_files(request, run, outcome), run);
  if (const auto failure = failure_of(live.session(), outcome); to_the_end && failure) {
    say(failure->text() + "\n");
    return kFailed;
  }
  if (to_the_end) return kOk;
  say(fmt::format("to resume: graph-runner train --resume {}\n", run));
  return signals.received() == 0 ? kOk : signals.exit_code();
}

// Where a run comes from: a graph, a run, other weights; and its data.
void add_sources(Verb& verb, TrainRequest& request) {
  verb.option("--out", request.out,
              "the folder that the run is written to; it must not contain a run; default: runs/NAME-N");
  verb.option(
      "--resume", request.resume,
      "resume the run in this folder. --set, --data, --steps, --batch, --lanes, --shard, --algorithms and --precision "
      "change it from its newest checkpoint on, which its history records (docs/runs.md)");
  verb.option("--init", request.init,
              "start with the weights of this run or safetensors file, as far as they fit by path and shape");
  verb.flag("--newest", request.newest, "of --init: the run's newest checkpoint instead of its best");
  verb.option("--rename", request.rename,
              "of --init: a name in the file and the node that it stands for, as in features.0=conv1")
      .one_value_each();
  verb.option("--data", request.data, "data instead of the graph's, or of the run's: TYPE:PATH,key=value,...");
  verb.flag("--accept-data", request.accept_data, "of --resume: continue with data whose content has changed since");
}

void add_train(CLI::App& app, Invocation& invocation) {
  Verb verb = add_verb(app, invocation, "train", "Train a graph into a run folder, or resume a run",
                       "graph-runner train graphs/vae.yaml --out runs/first\n"
                       "  graph-runner train graphs/vae-mnist.yaml --data idx:mnist --set vars.latent=8 --steps "
                       "4700 --batch 128 --out runs/mnist\n"
                       "  graph-runner train --resume runs/first\n"
                       "  graph-runner train --resume runs/first --steps 8000 --set train.optimizer.lr=1e-4\n"
                       "  graph-runner train graphs/beta-vae.yaml --init runs/first --out runs/second\n\n"
                       "SIGTERM, SIGINT and SIGHUP stop after a step, with a checkpoint; SIGUSR1 writes a "
                       "checkpoint, and training continues.");
  auto request = std::make_shared<TrainRequest>();
  verb.option("GRAPH", request->graph, "a graph file, the name of a shipped graph, or -: standard input");
  add_sources(verb, *request);
  verb.option("--set", request->overrides, "change a value of the graph: PATH=VALUE, as in train.optimizer.lr=1e-4")
      .one_value_each();
  verb.option("--steps", request->settings.steps, "total number of steps; 0 writes the initial weights").at_least(0);
  verb.option("--batch", request->settings.batch, "samples per step").at_least(1);
  verb.option("--seed", request->settings.seed, "seed of weights, order of the data, and noise");
  verb.threads_flag(request->settings.threads, "threads; 0: one per core. The number does not affect the result");
  verb.option("--lanes", request->settings.lanes, "lanes that shards are dealt to; 0: chosen from the shapes")
      .at_least(0)
      .shows_default();
  verb.option("--shard", request->settings.shard, "samples per shard; 0: chosen from the shapes")
      .at_least(0)
      .shows_default();
  algorithms_flags(verb, request->settings.algorithms, request->settings.precision);
  verb.option("--trace", request->trace,
              "write to this file what ran when, for chrome://tracing or ui.perfetto.dev; the first 200,000 spans");
  verb.option("--log-every", request->log_every,
              "seconds between lines if the output is not a terminal, and between the steps of --json")
      .at_least(0)
      .shows_default();
  verb.flag("--watch", request->watch,
            "apply changes of the graph's files and of plugin libraries during training (docs/hot-swap.md)");
  verb.option("--probation-limit", request->probation_limit, "time limit of the trial of a change, in seconds")
      .at_least(1)
      .shows_default();
  verb.flag("--quiet", request->quiet, "no progress");
  verb.plugins_flag(request->plugins);
  verb.json_flag();
  verb.action([&invocation, request] { return train(*request, invocation.json); });
}
LOOM_VERB(10, add_train)

}  // namespace

}  // namespace loom::runner
