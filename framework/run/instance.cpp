#include "run/instance.h"

#include <fmt/format.h>

#include <algorithm>

namespace loom {
namespace {

TensorView shaped(const Shape& shape, DType dtype, std::int64_t samples) {
  return {dtype, shape.at_batch(samples), nullptr};
}

TensorView view_of_value(const Tape& tape, int value, std::int64_t samples) {
  if (value < 0) return {};
  const TapeValue& v = tape.values[static_cast<std::size_t>(value)];
  return shaped(v.shape, v.dtype, samples);
}

}  // namespace

Instance::Instance(const Graph& graph, const Tape& tape, ParameterStore& store, Mode mode, std::int64_t samples)
    : samples_(samples), nodes_(static_cast<std::size_t>(graph.size())), step_(store.step()) {
  std::vector<bool> backward(nodes_.size(), false);
  for (const TapeStep& step : tape.steps) {
    if (step.is_backward()) backward[static_cast<std::size_t>(step.node)] = true;
  }
  for (const TapeStep& step : tape.steps) {
    if (step.kind != TapeStep::Kind::forward) continue;
    const GraphNode& node = graph.node(step.node);
    if (node.is_whole_batch(mode.training) != mode.whole_batch) continue;
    PreparedNode& prepared = nodes_[static_cast<std::size_t>(step.node)];
    for (int v : step.inputs) prepared.inputs.push_back(view_of_value(tape, v, samples));
    for (int v : step.outputs) prepared.outputs.push_back(view_of_value(tape, v, samples));
    prepared.needs.samples = tape.runs_once(step.node) ? 1 : samples;
    prepared.needs.rows = prepared.needs.samples * node.rows_per_sample();
    prepared.needs.training = node.trains(mode.training);
    prepared.needs.transformed = mode.transformed;
    prepared.needs.bf16 = mode.bf16 && !node.full_precision;
    prepared.needs.backward = backward[static_cast<std::size_t>(step.node)];
    prepare_node(node, store, prepared);
    if (prepared.needs.packed_bytes > 0) pack_with_others(graph, step.node);
    if (!node.scheduled.empty()) scheduled_.push_back(step.node);
  }
}

// A discriminator that judges three things packs its weights once.
void Instance::pack_with_others(const Graph& graph, int index) {
  PreparedNode& prepared = nodes_[static_cast<std::size_t>(index)];
  for (const int other : packing_) {
    if (!pack_alike(graph.node(index), prepared, graph.node(other), node(other))) continue;
    prepared.packed = node(other).packed;
    return;
  }
  packing_.push_back(index);
}

std::vector<StepMemory> Instance::memory(const Tape& tape) const {
  std::vector<StepMemory> memory(tape.steps.size());
  for (std::size_t i = 0; i < memory.size(); ++i) {
    const TapeStep& step = tape.steps[i];
    if (step.node < 0 || !has(step.node) || step.is_finish()) continue;
    const Prepare& needs = node(step.node).needs;
    memory[i].scratch = needs.scratch_bytes;
    const bool saves = step.kind == TapeStep::Kind::forward || step.kind == TapeStep::Kind::repeat;
    if (saves && needs.backward) memory[i].saved = needs.saved_bytes;
  }
  return memory;
}

std::vector<std::size_t> Instance::sum_counts(const Tape& tape) const {
  std::vector<std::size_t> counts;
  for (const TapeSums& sums : tape.sums) {
    const Prepare& needs = node(sums.node).needs;
    counts.push_back(sums.backward ? needs.diff_sum_count : needs.sum_count);
  }
  return counts;
}

StepContext Instance::make_context(const Graph& graph, const Tape& tape, const TapeStep& step) const {
  StepContext context;
  const auto fill = [&](const std::vector<int>& values, std::vector<TensorView>& views) {
    for (int v : values) views.push_back(view_of_value(tape, v, samples_));
  };
  fill(step.inputs, context.inputs);
  fill(step.outputs, context.outputs);
  fill(step.diff_outputs, context.diff_outputs);
  fill(step.diff_inputs, context.diff_inputs);
  if (step.node < 0) return context;
  const GraphNode& node = graph.node(step.node);
  const PreparedNode& prepared = nodes_[static_cast<std::size_t>(step.node)];
  if (step.is_backward()) {
    for (std::size_t k = 0; k < context.diff_outputs.size(); ++k) {  // if nothing flows back: zeros of that shape
      if (step.diff_outputs[k] >= 0) continue;
      const DType type = k < prepared.outputs.size() ? prepared.outputs[k].dtype() : DType::f32;
      context.diff_outputs[k] = shaped(node.outputs[k], type, prepared.needs.samples);
    }
    context.diff_parameters.resize(step.gradient_slots.size());
    context.first_parameters.resize(step.gradient_slots.size());
    for (const ParameterDeclaration& parameter : node.contract().parameters())
      context.overwrites.push_back(parameter.overwrites(node.options));
    for (const GraphParameter& parameter : node.parameters) {
      const auto k = static_cast<std::size_t>(parameter.declaration);
      if (step.gradient_slots[k] >= 0) context.diff_parameters[k] = shaped(parameter.shape, DType::f32, samples_);
    }
  } else {
    context.tallies.resize(node.contract().tallies().size());  // a tally that the options leave out stays empty
    for (const GraphParameter& tally : node.tallies)
      context.tallies[static_cast<std::size_t>(tally.declaration)] = shaped(tally.shape, DType::f32, samples_);
  }
  return context;
}

void Instance::follow_schedules(const Graph& graph, const ParameterStore& store) {
  const std::int64_t before = step_;
  if (before == store.step()) return;
  step_ = store.step();
  for (const int index : scheduled_) {
    const GraphNode& node = graph.node(index);
    const bool same = std::ranges::all_of(node.scheduled, [&](const ScheduledOption& option) {
      return option.value.value(before) == option.value.value(step_);
    });
    if (same) continue;
    renew_node(node, store, nodes_[static_cast<std::size_t>(index)]);
    packed_version_ = 0;
  }
}

void Instance::pack(const ParameterStore& store, const PackAll& run_parallel) {
  if (packed_version_ == store.version() || packing_.empty()) return;
  run_parallel(static_cast<std::int64_t>(packing_.size()), [&](std::int64_t i, std::span<std::byte> scratch) {
    pack_node(nodes_[static_cast<std::size_t>(packing_[static_cast<std::size_t>(i)])], scratch);
  });
  packed_version_ = store.version();
}

double Instance::flop(const Tape& tape) const {
  double total = 0;
  for (const TapeStep& step : tape.steps) total += flop(step);
  return total;
}

double Instance::flop(const TapeStep& step) const {
  if (step.node < 0 || !has(step.node)) return 0;
  const PreparedNode& prepared = node(step.node);
  if (step.kind == TapeStep::Kind::forward) return prepared.node->forward_flop(prepared.needs);
  if (step.kind != TapeStep::Kind::backward) return 0;
  const auto wanted = [](const std::vector<int>& items) {
    return static_cast<int>(std::count_if(items.begin(), items.end(), [](int i) { return i >= 0; }));
  };
  return prepared.node->backward_flop(prepared.needs, wanted(step.diff_inputs), wanted(step.gradient_slots));
}

std::size_t Instance::packed_bytes() const {
  std::size_t bytes = 0;
  for (const int index : packing_) bytes += node(index).needs.packed_bytes;
  return bytes;
}

}  // namespace loom
