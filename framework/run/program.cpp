#include "run/program.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <numeric>
#include <set>

#include "graph/tape.h"
#include "loom/error.h"
#include "run/call.h"
#include "run/constant_rows.h"
#include "run/division.h"
#include "run/instances.h"
#include "run/lane.h"
#include "run/plan.h"
#include "run/program_request.h"
#include "run/recompute.h"
#include "run/reduce.h"
#include "run/stage_flow.h"
#include "run/step_end.h"
#include "run/step_failure.h"
#include "run/step_work.h"
#include "run/storage.h"
#include "run/worker.h"

namespace loom {

class Program::Impl {
 public:
  Impl(std::shared_ptr<const Graph> graph, ParameterStore& store, Executor& executor, ProgramRequest request)
      : graph_(std::move(graph)),
        store_(store),
        executor_(executor),
        request_(std::move(request)),
        tape_(make_tape({})) {
    // Before anything wanted is computed again, so that it changes no bit.
    if (request_.lanes <= 0) request_.lanes = choose_lanes(*graph_, tape_, request_.batch);
    if (request_.shard <= 0)
      request_.shard = choose_shard(*graph_, tape_, request_.training, request_.batch, request_.lanes);
    request_.shard = std::min(request_.shard, request_.batch);
    if (!request_.recompute.empty()) tape_ = make_tape(request_.recompute);
    fill_batch_state();
    const std::int64_t tallies = place_tallies(*graph_, batch_);
    for (int lane = 0; lane < request_.lanes; ++lane) {
      lanes_.push_back(std::make_unique<Lane>(lane, tallies));
      tally_sums_.push_back(lanes_.back()->tallies().first(static_cast<std::size_t>(tallies)));
    }
    const auto shards = static_cast<int>((request_.batch + request_.shard - 1) / request_.shard);
    for (int worker = 0; worker < std::min({executor_.threads(), request_.lanes, shards}); ++worker)
      workers_.push_back(std::make_unique<Worker>(batch_));
    runs_.resize(workers_.size());
    instances_ = std::make_unique<Instances>(*graph_, tape_, store_, request_, whole_steps_);
    end_ = std::make_unique<StepEnd>(*graph_, tape_, store_, batch_, lanes_.front()->tallies());
    ensure_instances(request_.batch);
  }

  void run(const StepInput& input) {
    check_step_input(*graph_, request_, input);
    if (input.feeds_repeat && (whole_steps_ || !request_.fetch.empty()))
      throw Error(ErrorCode::bad_feed, "repeated feeds cannot be read for the whole batch");
    ensure_instances(input.samples);
    batch_.feeds = input.feeds;
    batch_.weights = input.weights;
    batch_.samples = input.samples;
    batch_.seed = input.seed;
    batch_.step = input.step;
    batch_.first_item = input.first_item;
    batch_.starts = input.starts;
    shard_count_ = (input.samples + request_.shard - 1) / request_.shard;
    failed_ = false;
    failure_ = nullptr;
    names_.bind(executor_.trace(), *graph_, tape_);
    executor_.run([&] {
      pack_weights();
      begin_sums();
      for (std::size_t stage = 0; stage < plan_.stages.size() && !failed_; ++stage) {
        run_stage(stage);
        if (!failed_) add_gradients(stage);
      }
      if (!failed_) add_tallies();
      if (!failed_ && request_.training) end_step();
    });
    if (failure_) std::rethrow_exception(failure_);
  }

  std::span<const float> term(int t) const {
    const int value = tape_.term_values[static_cast<std::size_t>(t)];
    return {static_cast<const float*>(kept(value)), static_cast<std::size_t>(batch_.samples)};
  }

  TensorView kept_view(int value) const {
    if (value < 0) return {};
    const TapeValue& v = tape_.values[static_cast<std::size_t>(value)];
    return {v.dtype, v.shape.at_batch(batch_.samples), const_cast<void*>(kept(value))};
  }

  std::span<float> gradient(int o, int k) const {
    const int slot = tape_.slots[static_cast<std::size_t>(o)][static_cast<std::size_t>(k)];
    const int parameter = request_.objectives[static_cast<std::size_t>(o)].parameters[static_cast<std::size_t>(k)];
    return {batch_.gradients.at(0, slot), static_cast<std::size_t>(store_.at(parameter).value.count())};
  }

  std::span<const double> gradient_squares(int o, int k) const {
    return batch_.gradients.squares(tape_.slots[static_cast<std::size_t>(o)][static_cast<std::size_t>(k)]);
  }

  double flop_per_sample() const { return instances_->flop_per_sample(); }
  std::vector<StepWork> work() const { return instances_->work(); }

  ProgramMemory memory() const {
    ProgramMemory memory;
    memory.batch = zeros_.view().bytes() + whole_scratch_size_ + batch_.memory.bytes();
    for (const auto& worker : workers_) memory.workers += worker->arena().size();
    memory.packed = instances_->packed_bytes();
    memory.gradients = batch_.gradients.bytes();
    for (const auto& lane : lanes_) memory.gradients += lane->tallies().size_bytes() + lane->sums().size_bytes();
    return memory;
  }

  std::vector<std::string> unused_nodes() const {
    std::set<int> used;
    for (const TapeStep& step : tape_.steps) used.insert(step.node);
    std::vector<std::string> names;
    for (int i = 0; i < graph_->size(); ++i) {
      const GraphNode& node = graph_->node(i);
      if (used.count(i) == 0 && !node.is_input() && !node.contract().is_alias()) names.push_back(node.path);
    }
    return names;
  }

  const Tape& tape() const { return tape_; }
  std::span<const ReplacedValues> replaced() const { return end_->replaced(); }
  bool has_whole_batch_steps() const { return whole_steps_; }
  const ProgramRequest& request() const { return request_; }

 private:
  // Where a worker is in the current stage.
  struct WorkerRun {
    std::int64_t lane = 0, shard = 0, next = 0;  // next: of the lane's shards; none left: the worker takes another lane
    std::vector<StepContext>* contexts = nullptr;
  };

  Tape make_tape(std::span<const int> recompute) const {
    Tape tape = record_tape(*graph_, tape_request(request_, store_));
    tape = compute_constants_once(*graph_, std::move(tape), request_.training);
    tape = repeat_steps(*graph_, std::move(tape), request_.training, recompute);
    return request_.bf16 ? store_in_bf16(*graph_, std::move(tape)) : tape;
  }

  template <class Body>
  void tbb_for(std::int64_t count, Body&& body) {
    executor_.parallel_for(count, 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t i = first; i < last; ++i) body(i);
    });
  }

  void fill_batch_state() {
    batch_.graph = graph_.get();
    batch_.tape = &tape_;
    batch_.plan = &plan_;
    batch_.training = request_.training;
    batch_.lanes = request_.lanes;
    batch_.shard = request_.shard;
    for (const TapeStep& step : tape_.steps) {
      whole_steps_ = whole_steps_ || (step.node >= 0 && graph_->node(step.node).is_whole_batch(request_.training));
    }
  }

  void ensure_instances(std::int64_t samples) {
    if (instances_->ensure(samples)) lay_out();
  }

  void lay_out() {
    const std::vector<StepMemory> memory = instances_->memory();
    plan_ = make_plan(*graph_, tape_, request_.training, request_.shard, memory);
    for (auto& worker : workers_) worker->resize_arena(plan_.arena_bytes);
    allocate_batch(memory);
    batch_.gradients.place(tape_, plan_, slot_counts(store_, request_), request_.lanes);
    allocate_sums();
    instances_->make_contexts(workers_.size());
    executor_.run([&] { make_flows(); });
  }

  void allocate_sums() {
    const std::size_t count = batch_.sums.place(instances_->sum_counts());
    batch_sums_.clear();
    for (auto& lane : lanes_) {
      lane->resize_sums(count);
      batch_sums_.push_back(lane->sums());
    }
    batch_.sums.totals = batch_sums_.front();
  }

  void allocate_batch(const std::vector<StepMemory>& memory) {
    batch_.memory.place(plan_, request_.batch, request_.shard);
    std::int64_t zeros = 0;
    for (std::size_t i = 0; i < tape_.steps.size(); ++i) {
      const TapeStep& step = tape_.steps[i];
      if (plan_.whole_batch[i]) whole_scratch_size_ = std::max(whole_scratch_size_, memory[i].scratch);
      for (std::size_t k = 0; k < step.diff_outputs.size(); ++k) {
        const std::int64_t n = plan_.whole_batch[i] ? request_.batch : request_.shard;
        if (step.diff_outputs[k] < 0) zeros = std::max(zeros, graph_->node(step.node).outputs[k].at_batch(n).count());
      }
    }
    whole_scratch_ = allocate_bytes(whole_scratch_size_);
    zeros_ = Tensor(DType::f32, Shape({std::max<std::int64_t>(1, zeros)}));
    batch_.zeros = zeros_.values().data();
  }

  void make_flows() {
    flows_.clear();
    for (std::size_t stage = 0; stage < plan_.stages.size(); ++stage) {
      if (stage % 2 == 1 || plan_.stages[stage].empty()) {
        flows_.push_back(nullptr);
        continue;
      }
      StageCallbacks callbacks;
      callbacks.enter = [this](int worker) { return !failed_ && enter(static_cast<std::size_t>(worker)); };
      callbacks.execute = [this](int worker, int step) {
        if (!failed_)
          guarded(step, [&] {
            const WorkerRun& run = runs_[static_cast<std::size_t>(worker)];
            const TraceSpan span(executor_.trace(), names_.of(step), static_cast<int>(run.lane), run.shard);
            workers_[static_cast<std::size_t>(worker)]->execute(step, *run.contexts);
          });
      };
      flows_.push_back(std::make_unique<StageFlow>(plan_.stages[stage], plan_.predecessors,
                                                   static_cast<int>(workers_.size()), std::move(callbacks)));
    }
  }

  // Lane l has the shards l, l + lanes, ...; a worker computes all of them before it takes another lane.
  bool enter(std::size_t index) {
    WorkerRun& run = runs_[index];
    while (run.next >= shard_count_) {
      run.lane = next_lane_.fetch_add(1, std::memory_order_relaxed);
      if (run.lane >= request_.lanes) return false;
      run.next = run.lane;
    }
    run.shard = run.next;
    run.next += request_.lanes;
    const std::int64_t first = run.shard * request_.shard;
    const std::int64_t samples = std::min(request_.shard, batch_.samples - first);
    run.contexts = &instances_->contexts(samples, index);
    workers_[index]->enter(*lanes_[static_cast<std::size_t>(run.lane)], instances_->shard(samples), run.shard, first);
    return true;
  }

  void run_stage(std::size_t stage) {
    if (stage % 2 == 0) {
      next_lane_ = 0;
      for (WorkerRun& run : runs_) run.next = shard_count_;
      if (flows_[stage]) flows_[stage]->run();
      return;
    }
    if (plan_.stages[stage].empty()) return;
    Worker& worker = *workers_.front();
    if (whole_steps_) worker.enter(*lanes_.front(), instances_->whole(batch_.samples), 0, 0);
    for (int i : plan_.stages[stage]) {
      if (!failed_)
        guarded(i, [&] {
          const TraceSpan span(executor_.trace(), names_.of(i));
          const TapeStep& step = tape_.steps[static_cast<std::size_t>(i)];
          if (step.is_finish()) return finish_sums(batch_, batch_sums_, step, instances_->any(step.node));
          worker.execute(i, instances_->whole_contexts(batch_.samples), {whole_scratch_.get(), whole_scratch_size_});
        });
    }
  }

  // Keeps the first failure and its node; the other tasks of the step then return at once.
  template <class Body>
  void guarded(int step, Body&& body) {
    try {
      body();
    } catch (const std::exception& problem) {
      const std::lock_guard lock(failure_mutex_);
      if (failed_) return;
      const TapeStep& failed = tape_.steps[static_cast<std::size_t>(step)];
      failure_ = std::make_exception_ptr(step_failure(*graph_, failed, batch_.step, problem));
      failed_ = true;
    }
  }

  void begin_sums() {
    batch_.gradients.begin();
    tbb_for(static_cast<std::int64_t>(lanes_.size()),
            [&](std::int64_t lane) { lanes_[static_cast<std::size_t>(lane)]->clear(); });
  }

  void add_gradients(std::size_t stage) {
    if (!batch_.gradients.ends_after(stage)) return;
    const TraceSpan span(executor_.trace(), "reduce");
    batch_.gradients.add(executor_, stage);
  }

  void add_tallies() { reduce_lanes(executor_, tally_sums_); }

  void pack_weights() {
    const TraceSpan span(executor_.trace(), "pack");
    instances_->pack([this](std::int64_t count, const Instance::PackOne& pack) { pack_in_arenas(count, pack); },
                     [this](std::int64_t count, const Instance::PackOne& pack) {
                       for (std::int64_t i = 0; i < count; ++i) pack(i, {whole_scratch_.get(), whole_scratch_size_});
                     });
  }

  // A worker's arena is free before its first shard.
  void pack_in_arenas(std::int64_t count, const Instance::PackOne& pack) {
    std::atomic<std::int64_t> next = 0;
    tbb_for(static_cast<std::int64_t>(workers_.size()), [&](std::int64_t worker) {
      const std::span<std::byte> scratch = workers_[static_cast<std::size_t>(worker)]->arena();
      for (std::int64_t i = next++; i < count; i = next++) pack(i, scratch);
    });
  }

  void end_step() {
    const TraceSpan span(executor_.trace(), "end of step");
    end_->run(
        batch_, [&](int, int node) -> const PreparedNode& { return instances_->any(node); },
        [&](int step, const auto& body) { guarded(step, body); });
    if (end_->moves()) store_.touch();  // packed values can depend on the state
  }

  const void* kept(int value) const {
    const auto root = static_cast<std::size_t>(tape_.root(value));
    const PlannedBlock& block = plan_.values[root];
    if (block.storage == Storage::feed) return batch_.feeds[static_cast<std::size_t>(tape_.values[root].feed)].raw();
    return batch_.memory.value(root);
  }

  std::shared_ptr<const Graph> graph_;
  ParameterStore& store_;
  Executor& executor_;
  ProgramRequest request_;
  Tape tape_;
  Plan plan_;
  BatchState batch_;
  bool whole_steps_ = false;
  StepNames names_;  // of the executor's trace
  std::unique_ptr<Instances> instances_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::vector<std::span<float>> tally_sums_;   // per lane
  std::vector<std::span<double>> batch_sums_;  // per lane
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<WorkerRun> runs_;  // per worker
  std::atomic<std::int64_t> next_lane_ = 0;
  std::unique_ptr<StepEnd> end_;
  std::vector<std::unique_ptr<StageFlow>> flows_;
  AlignedBytes whole_scratch_;
  std::size_t whole_scratch_size_ = 0;
  Tensor zeros_;
  std::int64_t shard_count_ = 0;
  std::atomic<bool> failed_ = false;
  std::exception_ptr failure_;
  std::mutex failure_mutex_;
};

Program::Program(std::shared_ptr<const Graph> graph, ParameterStore& store, Executor& executor, ProgramRequest request)
    : impl_(std::make_unique<Impl>(std::move(graph), store, executor, std::move(request))) {}
Program::~Program() = default;

void Program::run(const StepInput& input) { impl_->run(input); }
std::span<const float> Program::term(int t) const { return impl_->term(t); }

double Program::term_mean(int t) const {
  const std::span<const float> values = term(t);
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

TensorView Program::fetched(int i) const {
  return impl_->kept_view(impl_->tape().fetch_values[static_cast<std::size_t>(i)]);
}
std::span<float> Program::gradient(int o, int k) const { return impl_->gradient(o, k); }
std::span<const double> Program::gradient_squares(int o, int k) const { return impl_->gradient_squares(o, k); }
std::span<const ReplacedValues> Program::replaced() const { return impl_->replaced(); }
TensorView Program::input_gradient(int i) const {
  return impl_->kept_view(impl_->tape().input_gradient_values[static_cast<std::size_t>(i)]);
}
const ProgramRequest& Program::request() const { return impl_->request(); }
std::vector<StepWork> Program::work() const { return impl_->work(); }
double Program::flop_per_sample() const { return impl_->flop_per_sample(); }
ProgramMemory Program::memory() const { return impl_->memory(); }
std::vector<std::string> Program::unused_nodes() const { return impl_->unused_nodes(); }
bool Program::has_whole_batch_steps() const { return impl_->has_whole_batch_steps(); }

}  // namespace loom
