// graph-runner bench: full training steps on synthetic data, or ancestral sampling, timed.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>

#include "core/clock.h"
#include "runner/bench_sample.h"
#include "runner/console.h"
#include "runner/model.h"
#include "runner/synthetic.h"
#include "runner/verbs.h"
#include "train/training_programs.h"
#include "train/updater.h"

namespace loom::runner {
namespace {

constexpr int kWarmUp = 3;              // steps before the clock counts
constexpr std::int64_t kDistinct = 64;  // synthetic samples, repeated over a larger batch
constexpr int kTuningSteps = 5;         // of each shard size that --tune tries

struct Request {
  std::vector<std::string> plugins;
  std::string graph, precision = "f32";
  std::vector<std::string> overrides;
  std::int64_t batch = 0, steps = 50, shard = 0;
  int threads = 0, lanes = 0;
  bool tune = false, sample = false, whole = false;
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

// A graph ready for training steps on one synthetic batch.
class Bench {
 public:
  Bench(const Model& model, const Request& request)
      : graph_(build_checked(model.document().nodes, model.registry())),
        executor_(request.threads),
        store_(*graph_, model.seed()),
        plan_(checked_plan(model)),
        train_(model.document().train),
        batch_(request.batch > 0 ? request.batch : train_.batch),
        lanes_(request.lanes),
        feeds_(training_inputs(*graph_, plan_)),
        seed_(model.seed()) {
    updater_ = std::make_unique<Updater>(store_, plan_, train_, executor_);
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

  const TrainingPrograms& programs() const { return *programs_; }
  std::int64_t batch() const { return batch_; }
  int threads() const { return executor_.threads(); }
  std::int64_t parameters() const { return store_.trainable_count(); }

 private:
  TrainingPlan checked_plan(const Model& model) const {
    Diagnostics diagnostics;
    TrainingPlan plan = plan_training(model.document(), *graph_, store_, model.registry(), diagnostics);
    diagnostics.throw_if_any();
    return plan;
  }

  void compile(std::int64_t shard) {
    programs_.reset();
    programs_ =
        std::make_unique<TrainingPrograms>(graph_, store_, executor_, plan_, feeds_,
                                           TrainingPrograms::Size{.batch = batch_, .shard = shard, .lanes = lanes_});
    make_data();
  }

  // What is measured is a step's own memory, so the data is not as large as the batch where it need not be.
  void make_data() {
    const std::int64_t own = programs_->shard(), distinct = (kDistinct + own - 1) / own * own;
    repeat_ = distinct < batch_ && !programs_->program().has_whole_batch_steps();
    data_ = synthetic_batch(*graph_, feeds_, repeat_ ? distinct : batch_, seed_);
    views_.clear();
    for (const Tensor& tensor : data_) views_.push_back(tensor.view());
  }

  // Compiles for the shard size whose steps are the fastest.
  void tune() {
    const std::int64_t chosen = programs_->shard();
    std::pair<double, std::int64_t> best{run(kTuningSteps).median(), chosen};
    for (std::int64_t shard = 1; shard <= (batch_ + programs_->lanes() - 1) / programs_->lanes(); shard *= 2) {
      if (shard == chosen) continue;
      compile(shard);
      best = std::min(best, {run(kTuningSteps).median(), shard});
    }
    compile(best.second);
  }

  void step() {
    programs_->run(step_, views_, batch_, train_.seed, repeat_);
    for (std::size_t i = 0; i < plan_.objectives.size(); ++i) {
      if (programs_->is_active(i))
        updater_->apply(i, step_, programs_->gradients(i), updater_->norm(programs_->gradients(i)));
    }
    updater_->finish_step();
    ++step_;
  }

  std::shared_ptr<const Graph> graph_;
  Executor executor_;
  ParameterStore store_;
  TrainingPlan plan_;
  TrainEntry train_;
  std::int64_t batch_;
  int lanes_;
  std::vector<Port> feeds_;
  std::uint64_t seed_;
  bool repeat_ = false;  // the data is read over and over within a batch
  std::vector<Tensor> data_;
  std::vector<TensorView> views_;
  std::unique_ptr<TrainingPrograms> programs_;
  std::unique_ptr<Updater> updater_;
  std::int64_t step_ = 0;
};

double peak_memory_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

int bench(const Request& request, bool json) {
  if (request.precision != "f32") {
    throw Error(ErrorCode::not_supported,
                fmt::format("precision {} is not supported by this version", request.precision),
                "leave --precision out, or give f32");
  }
  const Model model(request.graph, {.overrides = request.overrides, .plugins = request.plugins});
  if (request.sample) {
    return bench_sample(
        model,
        {.count = request.count, .steps = request.steps, .threads = request.threads, .incremental = !request.whole},
        json);
  }
  Bench bench(model, request);
  const Timing timing = bench.run(request.steps);
  const double seconds = timing.median() / 1e3, batch = static_cast<double>(bench.batch());
  const double gflop = bench.programs().program().flop_per_sample() * batch / 1e9;
  if (json) {
    print_json(
        {{"graph", model.document().name},
         {"batch", bench.batch()},
         {"threads", bench.threads()},
         {"lanes", bench.programs().lanes()},
         {"shard", bench.programs().shard()},
         {"precision", request.precision},
         {"parameters", bench.parameters()},
         {"steps", request.steps},
         {"ms_per_step",
          {{"median", timing.median()}, {"min", timing.milliseconds.front()}, {"max", timing.milliseconds.back()}}},
         {"samples_per_s", batch / seconds},
         {"peak_rss_mb", peak_memory_mb()},
         {"gflop_per_step", gflop},
         {"gflops", gflop / seconds},
         {"loss", json_number(timing.loss)}});
    return kOk;
  }
  print("{}: {} parameters, batch {}, {} threads, {} lanes, shards of {}, {}\n", model.document().name,
        grouped(bench.parameters()), bench.batch(), bench.threads(), bench.programs().lanes(), bench.programs().shard(),
        request.precision);
  print("  {:.2f} ms a step ({:.2f} to {:.2f}), {:.0f} samples/s\n", timing.median(), timing.milliseconds.front(),
        timing.milliseconds.back(), batch / seconds);
  print("  {:.2f} GFLOP a step, {:.0f} GFLOP/s, {:.0f} MiB at most\n", gflop, gflop / seconds, peak_memory_mb());
  return kOk;
}

}  // namespace

void add_bench(CLI::App& app, Invocation& invocation) {
  CLI::App* verb = add_verb(app, "bench", "Time full training steps on synthetic data",
                            "graph-runner bench graphs/vae.yaml --batch 64 --steps 50 --threads 2 --json");
  auto request = std::make_shared<Request>();
  verb->add_option("GRAPH", request->graph, "a graph file")->required();
  verb->add_option("--set", request->overrides, "change a value first: PATH=VALUE")->allow_extra_args(false);
  verb->add_option("--batch", request->batch, "samples of a step; 0: the graph's")
      ->check(at_least(0))
      ->capture_default_str();
  verb->add_option("--steps", request->steps, "timed steps")->check(at_least(1))->capture_default_str();
  verb->add_option("--threads", request->threads, "threads; 0: one a core")->check(at_least(0))->capture_default_str();
  verb->add_option("--lanes", request->lanes, "lanes; 0: one a thread")->check(at_least(0))->capture_default_str();
  verb->add_option("--shard", request->shard, "samples of a shard; 0: chosen from the shapes")
      ->check(at_least(0))
      ->capture_default_str();
  verb->add_flag("--tune", request->tune, "try several shard sizes and keep the fastest");
  verb->add_flag("--sample", request->sample, "time ancestral sampling in place of training steps");
  verb->add_option("--count", request->count, "samples that --sample draws together")
      ->check(at_least(1))
      ->capture_default_str();
  verb->add_flag("--whole", request->whole, "with --sample: the whole graph for each position");
  verb->add_option("--precision", request->precision, "arithmetic")
      ->check(one_of({"f32", "bf16"}))
      ->capture_default_str();
  add_plugins(verb, request->plugins);
  add_json(verb, invocation);
  verb->callback([&invocation, request] {
    invocation.action = [&invocation, request] { return bench(*request, invocation.json); };
  });
}

}  // namespace loom::runner
