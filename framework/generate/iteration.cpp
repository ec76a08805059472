#include "generate/iteration.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "generate/drawn_once.h"
#include "loom/error.h"
#include "loom/random.h"
#include "train/check_iteration.h"

namespace loom {
namespace {

// to = a x + b y, element by element.
void combine(const TensorView& x, double a, const TensorView& y, double b, const TensorView& to) {
  const std::span<const float> first = x.values(), second = y.values();
  const std::span<float> out = to.values();
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<float>(a * static_cast<double>(first[i]) + b * static_cast<double>(second[i]));
}

// Samples are numbered through all batches where they have a number.
void add_normal(const StepInput& input, std::uint32_t stream, std::uint32_t block, double scale,
                const TensorView& values) {
  const bool numbered = input.first_item >= 0;
  const RandomStream random(input.seed, stream, numbered ? 0 : input.step);
  std::vector<float> row(values.values().size() / static_cast<std::size_t>(input.samples));
  for (std::int64_t n = 0; n < input.samples; ++n) {
    random.normal(static_cast<std::uint32_t>(numbered ? input.first_item + n : n), row, block);
    const std::int64_t rows = values.samples() / input.samples;
    const std::span<float> out = values.rows(n * rows, rows).values();
    for (std::size_t i = 0; i < row.size(); ++i)
      out[i] = static_cast<float>(static_cast<double>(out[i]) + scale * static_cast<double>(row[i]));
  }
}

void check_finite(const IterationEntry& entry, const TensorView& values) {
  if (values.dtype() != DType::f32) return;
  if (std::ranges::all_of(values.values(), [](float value) { return std::isfinite(value); })) return;
  Diagnostic finding;
  finding.code = ErrorCode::not_finite;
  finding.where = entry.where;
  finding.message = fmt::format("the state '{}' is not finite after {} steps", entry.state.text(), entry.steps);
  finding.hint = entry.replaces()  ? "the steps replace the state by what `by` computes, which grows without bound"
                 : entry.step_size ? "a smaller step_size"
                                   : "more steps, or less guidance";
  throw Error(std::move(finding));
}

}  // namespace

std::size_t IterationSampler::place_of(Port port) {
  const auto found = std::ranges::find(ports_, port);
  if (found != ports_.end()) return static_cast<std::size_t>(found - ports_.begin());
  ports_.push_back(port);
  return ports_.size() - 1;
}

// What is given, without the ports that have values of the sampler's own: the first `known` of ports_.
IterationSampler::Fed IterationSampler::fed_with(std::size_t known) const {
  Fed fed;
  const auto own = ports_.begin() + static_cast<std::ptrdiff_t>(known);
  for (std::size_t i = 0; i < given_.size(); ++i) {
    if (std::find(ports_.begin(), own, given_[i]) != own) continue;
    fed.given.push_back(i);
    fed.ports.push_back(given_[i]);
  }
  for (std::size_t i = 0; i < known; ++i) fed.read.push_back(i);
  fed.ports.insert(fed.ports.end(), ports_.begin(), own);
  return fed;
}

// The rows of so many samples of a tensor for the batch.
TensorView IterationSampler::filled(const Tensor& tensor, std::int64_t samples) const {
  return tensor.view().rows(0, tensor.shape()[0] / batch_ * samples);
}

std::vector<TensorView> IterationSampler::feeds_of(const Fed& fed, const StepInput& input,
                                                   const std::vector<TensorView>& values) {
  std::vector<TensorView> feeds;
  for (const std::size_t i : fed.given) feeds.push_back(input.feeds[i]);
  for (const std::size_t place : fed.read) feeds.push_back(values[place]);
  return feeds;
}

IterationSampler::IterationSampler(const Rewrite& rewrite, const BoundGraph& bound, const GenerateEntry& entry,
                                   std::int64_t batch, std::vector<Port> given)
    : batch_(batch), given_(std::move(given)) {
  const Graph& graph = *bound.graph;
  const auto port = [&](const Reference& reference) { return graph.port(rewrite.resolved(reference)); };
  for (const IterationEntry& iteration : entry.iterations) {
    Stage stage;
    stage.entry = iteration;
    stage.fed_before = fed_with(ports_.size());  // those of earlier iterations, too
    const Port state = port(iteration.state);
    if (graph.dtype(state) != DType::f32 && !iteration.replaces())
      throw Error(ErrorCode::dtype_mismatch,
                  fmt::format("the state '{}' is of codes, of which the solver {} makes no steps",
                              iteration.state.text(), iteration.solver),
                  "solver: replace");
    stage.stream = stream_of(graph.name_of(state));
    stage.state = stage.time = place_of(state);
    if (!iteration.time.node.empty()) stage.time = place_of(port(iteration.time));
    stage.fed = fed_with(ports_.size());
    const Shape shape = graph.shape(state).at_batch(batch);
    stage.values = Tensor(graph.dtype(state), shape);
    if (!iteration.replaces())
      for (Tensor* tensor : {&stage.trial, &stage.direction}) *tensor = Tensor(DType::f32, shape);
    stage.times =
        Tensor(DType::f32, stage.time == stage.state ? Shape{batch} : graph.shape(ports_[stage.time]).at_batch(batch));
    compile(stage, rewrite, bound, batch);
    stage.target = place_of(port(iteration.target()));
    stages_.push_back(std::move(stage));
  }
}

void IterationSampler::compile(Stage& stage, const Rewrite& rewrite, const BoundGraph& bound,
                               std::int64_t batch) const {
  const auto& [graph, store, executor] = bound;
  const IterationEntry& entry = stage.entry;
  const auto port = [&](const Reference& reference) { return graph->port(rewrite.resolved(reference)); };
  const Port by = port(entry.by);
  std::vector<Port> once;
  if (entry.replaces())
    once = drawn_once(*graph, by, std::vector<Port>{ports_[stage.state], ports_[stage.time]}, stage.fed.ports);
  ProgramRequest steps, before;
  steps.feeds = stage.fed.ports;
  steps.feeds.insert(steps.feeds.end(), once.begin(), once.end());
  steps.fetch = {by};
  if (entry.guidance != 1) steps.fetch.push_back(port(entry.unconditional));
  steps.batch = before.batch = batch;
  stage.program = std::make_unique<Program>(graph, store, executor, std::move(steps));
  before.feeds = stage.fed_before.ports;
  before.fetch = once;
  if (!entry.first.node.empty()) before.fetch.push_back(port(entry.first));
  if (!before.fetch.empty()) stage.before = std::make_unique<Program>(graph, store, executor, std::move(before));
}

// The first state.
void IterationSampler::begin(Stage& stage, const StepInput& input, const std::vector<TensorView>& values) {
  const TensorView state = filled(stage.values, input.samples);
  stage.once.clear();
  if (stage.before) {
    const std::vector<TensorView> feeds = feeds_of(stage.fed_before, input, values);
    StepInput step = input;
    step.feeds = feeds;
    stage.before->run(step);
    const bool has_first = !stage.entry.first.node.empty();
    const std::size_t fetched = stage.before->request().fetch.size(), drawn = fetched - (has_first ? 1 : 0);
    for (std::size_t i = 0; i < drawn; ++i) stage.once.push_back(stage.before->fetched(static_cast<int>(i)));
    if (has_first) {
      std::memcpy(state.raw(), stage.before->fetched(static_cast<int>(drawn)).raw(), state.bytes());
      return;
    }
  }
  std::ranges::fill(state.values(), 0.0F);
  add_normal(input, stage.stream, 0, iteration_range(stage.entry).scale, state);
}

// The direction at the state that `values` holds: all of it, or the part `mixed` of it beside what was there.
void IterationSampler::find_direction(Stage& stage, const StepInput& input, const Direction& at, double mixed,
                                      std::vector<TensorView>& values) {
  std::ranges::fill(filled(stage.times, input.samples).values(), static_cast<float>(at.time));
  const std::vector<TensorView> feeds = feeds_of(stage.fed, input, values);
  StepInput step = input;
  step.feeds = feeds;
  stage.program->run(step);
  const TensorView direction = filled(stage.direction, input.samples), &state = values[stage.state];
  const std::span<const float> x = state.values(), given = stage.program->fetched(0).values();
  const double guidance = stage.entry.guidance;
  const std::span<const float> free = guidance != 1 ? stage.program->fetched(1).values() : given;
  const std::span<float> out = direction.values();
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto c = static_cast<double>(given[i]), u = static_cast<double>(free[i]);
    const double output = guidance != 1 ? u + guidance * (c - u) : c,
                 d = at.state * static_cast<double>(x[i]) + at.output * output;
    out[i] = static_cast<float>(mixed == 1 ? d : (1 - mixed) * static_cast<double>(out[i]) + mixed * d);
  }
}

void IterationSampler::run_steps(Stage& stage, const StepInput& input, std::vector<TensorView>& values) {
  const TensorView state = filled(stage.values, input.samples), trial = filled(stage.trial, input.samples),
                   direction = filled(stage.direction, input.samples);
  for (std::int64_t i = 0; i < stage.entry.steps; ++i) {
    const SolverStep step = solver_step(stage.entry, i);
    values[stage.state] = state;
    find_direction(stage, input, step.first, 1, values);
    if (step.mixed > 0) {
      combine(state, step.trial_keep, direction, step.trial_along, trial);
      values[stage.state] = trial;
      find_direction(stage, input, step.second, step.mixed, values);
      values[stage.state] = state;
    }
    combine(state, step.keep, direction, step.along, state);
    if (step.noise > 0) add_normal(input, stage.stream, static_cast<std::uint32_t>(i + 1), step.noise, state);
  }
  check_finite(stage.entry, state);
}

// The seed of a step is its own, so that what the state reaches is drawn anew.
void IterationSampler::replace_steps(Stage& stage, const StepInput& input, std::vector<TensorView>& values) {
  const TensorView state = filled(stage.values, input.samples), times = filled(stage.times, input.samples);
  const RandomStream seeds(input.seed, stage.stream, 0);
  for (std::int64_t i = 0; i < stage.entry.steps; ++i) {
    values[stage.state] = state;
    std::ranges::fill(times.values(), static_cast<float>(step_time(stage.entry, i + 1)));
    std::vector<TensorView> feeds = feeds_of(stage.fed, input, values);
    feeds.insert(feeds.end(), stage.once.begin(), stage.once.end());
    StepInput step = input;
    step.feeds = feeds;
    step.seed = seeds.value(0, static_cast<std::uint32_t>(i));
    stage.program->run(step);
    std::memcpy(state.raw(), stage.program->fetched(0).raw(), state.bytes());
  }
  check_finite(stage.entry, state);
}

std::vector<TensorView> IterationSampler::draw(const StepInput& input) {
  std::vector<TensorView> values(ports_.size());
  for (Stage& stage : stages_) {
    const TensorView times = filled(stage.times, input.samples);
    if (stage.time != stage.state) values[stage.time] = times;
    begin(stage, input, values);
    if (stage.entry.replaces())
      replace_steps(stage, input, values);
    else
      run_steps(stage, input, values);
    std::ranges::fill(times.values(), static_cast<float>(step_time(stage.entry, stage.entry.steps)));
    values[stage.state] = values[stage.target] = filled(stage.values, input.samples);
  }
  return values;
}

}  // namespace loom
