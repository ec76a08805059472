#include "generate/iteration.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

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
    const std::span<float> out = values.rows(n, 1).values();
    for (std::size_t i = 0; i < row.size(); ++i)
      out[i] = static_cast<float>(static_cast<double>(out[i]) + scale * static_cast<double>(row[i]));
  }
}

void check_finite(const IterationEntry& entry, const TensorView& values) {
  if (std::ranges::all_of(values.values(), [](float value) { return std::isfinite(value); })) return;
  Diagnostic finding;
  finding.code = ErrorCode::not_finite;
  finding.where = entry.where;
  finding.message = fmt::format("the state '{}' is not finite after {} steps", entry.state.text(), entry.steps);
  finding.hint = entry.step_size ? "a smaller step_size" : "more steps, or less guidance";
  throw Error(std::move(finding));
}

}  // namespace

std::size_t IterationSampler::place_of(Port port) {
  const auto found = std::ranges::find(ports_, port);
  if (found != ports_.end()) return static_cast<std::size_t>(found - ports_.begin());
  ports_.push_back(port);
  return ports_.size() - 1;
}

IterationSampler::IterationSampler(const Rewrite& rewrite, const BoundGraph& bound, const GenerateEntry& entry,
                                   std::int64_t batch, std::vector<Port> given)
    : given_(std::move(given)) {
  const auto& [graph, store, executor] = bound;
  const auto port = [&](const Reference& reference) { return graph->port(rewrite.resolved(reference)); };
  for (const IterationEntry& iteration : entry.iterations) {
    Stage stage;
    stage.entry = iteration;
    const Port state = port(iteration.state);
    stage.stream = stream_of(graph->name_of(state));
    stage.state = stage.time = place_of(state);
    if (!iteration.time.node.empty()) stage.time = place_of(port(iteration.time));
    ProgramRequest request;
    request.feeds = given_;
    for (std::size_t i = 0; i < ports_.size(); ++i) {  // those of earlier iterations, too
      stage.read.push_back(i);
      request.feeds.push_back(ports_[i]);
    }
    request.fetch = {port(iteration.by)};
    if (iteration.guidance != 1) request.fetch.push_back(port(iteration.unconditional));
    request.batch = batch;
    stage.program = std::make_unique<Program>(graph, store, executor, std::move(request));
    const Shape shape = graph->shape(state).at_batch(batch);
    for (Tensor* tensor : {&stage.values, &stage.trial, &stage.direction}) *tensor = Tensor(DType::f32, shape);
    stage.times =
        Tensor(DType::f32, stage.time == stage.state ? Shape{batch} : graph->shape(ports_[stage.time]).at_batch(batch));
    stage.target = place_of(port(iteration.target()));
    stages_.push_back(std::move(stage));
  }
}

// The direction at the state that `values` holds: all of it, or the part `mixed` of it beside what was there.
void IterationSampler::find_direction(Stage& stage, const StepInput& input, const Direction& at, double mixed,
                                      std::vector<TensorView>& values) {
  std::ranges::fill(stage.times.view().rows(0, input.samples).values(), static_cast<float>(at.time));
  std::vector<TensorView> feeds(input.feeds.begin(), input.feeds.end());
  for (const std::size_t place : stage.read) feeds.push_back(values[place]);
  StepInput step = input;
  step.feeds = feeds;
  stage.program->run(step);
  const TensorView direction = stage.direction.view().rows(0, input.samples), &state = values[stage.state];
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
  const TensorView state = stage.values.view().rows(0, input.samples),
                   trial = stage.trial.view().rows(0, input.samples),
                   direction = stage.direction.view().rows(0, input.samples);
  std::ranges::fill(state.values(), 0.0F);
  add_normal(input, stage.stream, 0, iteration_range(stage.entry).scale, state);
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

std::vector<TensorView> IterationSampler::draw(const StepInput& input) {
  std::vector<TensorView> values(ports_.size());
  for (Stage& stage : stages_) {
    const TensorView times = stage.times.view().rows(0, input.samples);
    if (stage.time != stage.state) values[stage.time] = times;
    run_steps(stage, input, values);
    std::ranges::fill(times.values(), static_cast<float>(step_time(stage.entry, stage.entry.steps)));
    values[stage.state] = values[stage.target] = stage.values.view().rows(0, input.samples);
  }
  return values;
}

}  // namespace loom
