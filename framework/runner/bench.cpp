// graph-runner bench: times full training steps on synthetic data, or ancestral sampling.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>

#include "core/clock.h"
#include "generate/model_source.h"
#include "loom/error.h"
#include "run/algorithms.h"
#include "runner/bench_profile.h"
#include "runner/bench_sample.h"
#include "runner/console.h"
#include "runner/model_flags.h"
#include "runner/verbs.h"
#include "train/synthetic.h"
#include "train/training_programs.h"
#include "train/training_state.h"

namespace loom::runner {
namespace {

constexpr int kWarmUp = 3;              // steps before timing starts
constexpr std::int64_t kDistinct = 64;  // synthetic samples, repeated over a larger batch
constexpr int kTuningSteps = 5;         // steps per shard size that --tune tries

struct BenchFlags {
  std::vector<std::string> plugins;
  std::string graph;
  std::vector<std::string> overrides;
  std::int64_t batch = 0, steps = 50, shard = 0;
  int threads = 0, lanes = 0;
  std::string algorithms, precision;
  bool tune = false, sample = false, whole = false, profile = false;
  std::int64_t count = 4;
};

struct Timing {
  std::vector<double> milliseconds;  // sorted
  double loss = 0;
  double median() const {
    const std::size_t n = milliseconds.size();
    return (milliseconds[(n - 1) / 2] + milliseconds[n / 2]) / 2;
  }
};

// A graph ready for training steps on one synthetic batch. Refers to the model.
class Bench {
 public:
  Bench(const ModelSource& model, const BenchFlags& request)
      : settings_(settings_of(model.document(), {.seed = model.seed(),
                                                 .lanes = request.lanes,
                                                 .algorithms = request.algorithms,
                                                 .precision = request.precision})),
        executor_(request.threads),
        state_(model.document(), settings_, model.registry(), executor_) {
    require_precision(settings_.precision);
    if (request.batch > 0) settings_.batch = request.batch;
    state_.prepare();
    feeds_ = training_inputs(*state_.graph(), state_.plan());
    compile(request.shard);
    if (request.tune && request.shard == 0) tune();
  }

  Timing run(std::int64_t steps) {
    for (int i = 0; i < kWarmUp; ++i) step();
    Timing timing;
    for (std::int64_t i = 0; i < steps; ++i) {
      const Stopwatch watch;
      step();
      timing.milliseconds.push_back(watch.seconds() * 1e3);
    }
    std::ranges::sort(timing.milliseconds);
    timing.loss = programs_->objective_loss(0);
    return timing;
  }

  // Other steps than the timed ones, so that those are free of the clock's cost.
  Profile profile(std::int64_t steps) {
    Trace trace;
    executor_.set_trace(&trace);
    step();  // names the spans
    trace.clear();
    const Stopwatch watch;
    for (std::int64_t i = 0; i < steps; ++i) step();
    const double seconds = watch.seconds();
    executor_.set_trace(nullptr);
    return Profile::of(trace, programs_->program().work(), seconds, steps, executor_.threads());
  }

  const TrainingPrograms& programs() const { return *programs_; }
  std::int64_t batch() const { return settings_.batch; }
  int threads() const { return executor_.threads(); }
  const std::string& precision() const { return settings_.precision; }
  std::string algorithms() const { return algorithms_word(settings_.algorithms); }
  std::int64_t parameters() { return state_.parameters().trainable_count(); }

 private:
  void compile(std::int64_t shard) {
    programs_.reset();
    programs_ =
        std::make_unique<TrainingPrograms>(state_.graph(), state_.parameters(), executor_, state_.plan(), feeds_,
                                           TrainingPrograms::Size{.batch = batch(),
                                                                  .shard = shard,
                                                                  .lanes = settings_.lanes,
                                                                  .transformed = are_transformed(settings_.algorithms),
                                                                  .bf16 = settings_.precision == kBf16});
    make_data();
  }

  // The memory of the step is measured, so the data is smaller than the batch if possible.
  void make_data() {
    const std::int64_t own = programs_->shard(), distinct = (kDistinct + own - 1) / own * own;
    repeat_ = distinct < batch() && !programs_->program().has_whole_batch_steps();
    data_ = synthetic_batch(*state_.graph(), feeds_, repeat_ ? distinct : batch(), settings_.seed);
    views_.clear();
    for (const Tensor& tensor : data_) views_.push_back(tensor.view());
  }

  // Compiles for the shard size with the fastest steps.
  void tune() {
    const std::int64_t chosen = programs_->shard();
    std::pair<double, std::int64_t> best{run(kTuningSteps).median(), chosen};
    for (std::int64_t shard = 1; shard <= (batch() + programs_->lanes() - 1) / programs_->lanes(); shard *= 2) {
      if (shard == chosen) continue;
      compile(shard);
      best = std::min(best, {run(kTuningSteps).median(), shard});
    }
    compile(best.second);
  }

  void step() {
    programs_->run(step_, views_, batch(), settings_.seed, repeat_);
    for (std::size_t i = 0; i < state_.plan().objectives.size(); ++i) {
      if (!programs_->is_active(i)) continue;
      const double norm = norm_of(i);
      state_.updater().apply(i, step_, programs_->gradients(i), norm);
    }
    state_.updater().finish_step();
    ++step_;
  }

  double norm_of(std::size_t objective) {
    const TraceSpan span(executor_.trace(), "norm");
    return state_.updater().norm(programs_->gradients(objective), programs_->squares(objective));
  }

  RunSettings settings_;
  Executor executor_;
  TrainingState state_;
  std::vector<Port> feeds_;
  bool repeat_ = false;  // the data is repeated within a batch
  std::vector<Tensor> data_;
  std::vector<TensorView> views_;
  std::unique_ptr<TrainingPrograms> programs_;
  std::int64_t step_ = 0;
};

double peak_memory_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

int bench(const BenchFlags& request, bool json) {
  const ModelSource model(request.graph, {.overrides = request.overrides, .plugins = request.plugins});
  if (request.sample && request.profile)
    throw Error(ErrorCode::usage, "--profile shows training steps, and --sample times none", "omit one of them");
  if (request.sample) {
    return bench_sample(
        model,
        {.count = request.count, .steps = request.steps, .threads = request.threads, .incremental = !request.whole},
        json);
  }
  Bench bench(model, request);
  const Timing timing = bench.run(request.steps);
  const double seconds = timing.median() / 1e3, batch = static_cast<double>(bench.batch());
  const double peak = peak_memory_mb();  // before the spans of a profile take theirs
  std::optional<Profile> profile;
  if (request.profile) profile = bench.profile(request.steps);
  const double gflop = bench.programs().program().flop_per_sample() * batch / 1e9;
  if (json) {
    nlohmann::ordered_json result = {
        {"graph", model.document().name},
        {"batch", bench.batch()},
        {"threads", bench.threads()},
        {"lanes", bench.programs().lanes()},
        {"shard", bench.programs().shard()},
        {"precision", bench.precision()},
        {"algorithms", bench.algorithms()},
        {"parameters", bench.parameters()},
        {"steps", request.steps},
        {"ms_per_step",
         {{"median", timing.median()}, {"min", timing.milliseconds.front()}, {"max", timing.milliseconds.back()}}},
        {"samples_per_s", batch / seconds},
        {"peak_rss_mb", peak},
        {"gflop_per_step", gflop},
        {"gflops", gflop / seconds},
        {"loss", json_number(timing.loss)}};
    if (profile) result["profile"] = to_json(*profile);
    print_json(result);
    return kOk;
  }
  print("{}: {} parameters, batch {}, {} threads, {} lanes, shards of {}, {}, {} algorithms\n", model.document().name,
        grouped(bench.parameters()), bench.batch(), bench.threads(), bench.programs().lanes(), bench.programs().shard(),
        bench.precision(), bench.algorithms());
  print("  {:.2f} ms per step ({:.2f} to {:.2f}), {:.0f} samples/s\n", timing.median(), timing.milliseconds.front(),
        timing.milliseconds.back(), batch / seconds);
  print("  {:.2f} GFLOP per step, {:.0f} GFLOP/s, peak {:.0f} MiB\n", gflop, gflop / seconds, peak);
  if (profile) print_profile(*profile);
  return kOk;
}

void add_bench(CLI::App& app, Invocation& invocation) {
  Verb verb = add_verb(app, invocation, "bench", "Time full training steps on synthetic data",
                       "graph-runner bench graphs/vae.yaml --batch 64 --steps 50 --threads 2 --json");
  auto request = std::make_shared<BenchFlags>();
  verb.option("GRAPH", request->graph, "a graph file").required();
  verb.option("--set", request->overrides, "change a value first: PATH=VALUE").one_value_each();
  verb.option("--batch", request->batch, "samples per step; 0: as in the graph").at_least(0).shows_default();
  verb.option("--steps", request->steps, "timed steps").at_least(1).shows_default();
  verb.threads_flag(request->threads);
  verb.option("--lanes", request->lanes, "lanes; 0: chosen from the shapes").at_least(0).shows_default();
  verb.option("--shard", request->shard, "samples per shard; 0: chosen from the shapes").at_least(0).shows_default();
  algorithms_flags(verb, request->algorithms, request->precision);
  verb.flag("--tune", request->tune, "try several shard sizes and keep the fastest");
  verb.flag("--profile", request->profile, "show the time of each node's passes, in steps of their own");
  verb.flag("--sample", request->sample, "time ancestral sampling instead of training steps");
  verb.option("--count", request->count, "samples that --sample draws together").at_least(1).shows_default();
  verb.flag("--whole", request->whole, "with --sample: run the whole graph for each position");
  verb.plugins_flag(request->plugins);
  verb.json_flag();
  verb.action([&invocation, request] { return bench(*request, invocation.json); });
}
LOOM_VERB(160, add_bench)

}  // namespace

}  // namespace loom::runner
