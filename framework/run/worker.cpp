#include "run/worker.h"

#include <algorithm>
#include <cstring>

#include "loom/math.h"
#include "math/bf16.h"
#include "run/call.h"

namespace loom {

Worker::Worker(BatchState& batch) : batch_(batch), pointers_(batch.tape->values.size(), nullptr) {}

void Worker::resize_arena(std::size_t bytes) {
  if (bytes <= arena_size_) return;
  arena_ = allocate_bytes(bytes);
  arena_size_ = bytes;
}

void Worker::enter(Lane& lane, const Instance& instance, std::int64_t shard_index, std::int64_t first) {
  lane_ = &lane;
  instance_ = &instance;
  shard_index_ = shard_index;
  first_ = first;
  const Tape& tape = *batch_.tape;
  for (std::size_t v = 0; v < tape.values.size(); ++v) {
    const PlannedBlock& block = batch_.plan->values[v];
    const std::size_t skip = block.per_sample ? block.bytes * static_cast<std::size_t>(first) : 0;
    switch (block.storage) {
      case Storage::unused: break;
      case Storage::arena: pointers_[v] = arena_.get() + block.offset; break;
      case Storage::batch: pointers_[v] = batch_.memory.value(v) + skip; break;
      case Storage::feed: {
        const TensorView& feed = batch_.feeds[static_cast<std::size_t>(tape.values[v].feed)];
        const std::size_t held = feed.bytes();
        pointers_[v] = static_cast<std::byte*>(feed.raw()) + (skip < held ? skip : skip % held);
        break;
      }
    }
  }
}

void Worker::bind(const std::vector<int>& values, std::vector<TensorView>& views) const {
  for (std::size_t k = 0; k < values.size(); ++k) {
    if (values[k] >= 0) views[k].rebind(pointer(values[k]));
  }
}

// The memory that the step's node keeps from forward to backward.
std::span<std::byte> Worker::saved_of(int i) const {
  const Plan& plan = *batch_.plan;
  const int saver = plan.saver[static_cast<std::size_t>(i)];
  if (saver < 0) return {};
  const auto maker = static_cast<std::size_t>(saver);
  const PlannedBlock& saved = plan.saved[maker];
  if (saved.storage == Storage::arena) return {arena_.get() + saved.offset, saved.bytes};
  if (saved.storage != Storage::batch) return {};
  return {batch_.memory.saved(maker) + saved.bytes * static_cast<std::size_t>(shard_index_), saved.bytes};
}

// Sums over the batch: the lane's, to which the step adds, or all of them.
std::span<double> Worker::sums_of(int sums, bool gathers) const {
  if (sums < 0) return {};
  return batch_.sums.part(sums, gathers ? lane_->sums() : batch_.sums.totals);
}

void Worker::fill(Call& call, int i, const TapeStep& step, StepContext& context, std::span<std::byte> scratch) const {
  bind(step.inputs, context.inputs);
  bind(step.outputs, context.outputs);
  const PlannedBlock& own = batch_.plan->scratch[static_cast<std::size_t>(i)];
  if (own.storage == Storage::arena) scratch = {arena_.get() + own.offset, own.bytes};
  fill_call(call, instance_->node(step.node),
            {.stream = RandomStream(batch_.seed, stream_of(batch_.graph->node(step.node).stream_path()), batch_.step),
             .first_sample = first_,
             .first_item = batch_.first_item < 0 ? -1 : batch_.first_item + first_,
             .batch_samples = batch_.samples,
             .step = batch_.step,
             .lanes = batch_.lanes},
            {context.inputs, context.outputs, scratch, saved_of(i)});
  call.sums = sums_of(step.sums, step.kind == TapeStep::Kind::gather);
  call.diff_sums = sums_of(step.diff_sums, step.kind == TapeStep::Kind::gather_backward);
  if (batch_.starts.empty() || context.outputs.front().shape().rank() < 2) return;
  call.position = batch_.starts[static_cast<std::size_t>(step.node)];
  call.part = context.outputs.front().shape()[1];
}

void Worker::forward(int i, const TapeStep& step, StepContext& context, std::span<std::byte> scratch) {
  Forward call;
  fill(call, i, step, context, scratch);
  const auto& offsets = batch_.tally_offsets[static_cast<std::size_t>(step.node)];
  const std::vector<GraphParameter>& tallies = batch_.graph->node(step.node).tallies;
  for (std::size_t k = 0; k < tallies.size(); ++k)
    context.tallies[static_cast<std::size_t>(tallies[k].declaration)].rebind(lane_->tallies().data() + offsets[k]);
  call.tally_views = context.tallies;
  instance_->node(step.node).node->forward(call);
}

// Without tallies: what the step adds to them has been added. A node that gathers has none of them either.
void Worker::forward_again(int i, const TapeStep& step, StepContext& context, std::span<std::byte> scratch) {
  Forward call;
  fill(call, i, step, context, scratch);
  const Node& node = *instance_->node(step.node).node;
  step.kind == TapeStep::Kind::gather ? node.gather(call) : node.forward(call);
}

void Worker::backward(int i, const TapeStep& step, StepContext& context, std::span<std::byte> scratch) {
  Backward call;
  fill(call, i, step, context, scratch);
  for (std::size_t k = 0; k < step.diff_outputs.size(); ++k) {
    const int value = step.diff_outputs[k];
    context.diff_outputs[k].rebind(value >= 0 ? pointer(value) : const_cast<float*>(batch_.zeros));
  }
  bind(step.diff_inputs, context.diff_inputs);
  for (std::size_t k = 0; k < step.gradient_slots.size(); ++k) {
    const int slot = step.gradient_slots[k];
    if (slot < 0) continue;
    const GradientSums::Opened sum = batch_.gradients.open(lane_->index(), slot, context.overwrites[k] != 0);
    context.diff_parameters[k].rebind(sum.values);
    context.first_parameters[k] = sum.is_first ? 1 : 0;
  }
  call.diff_output_views = context.diff_outputs;
  call.diff_input_views = context.diff_inputs;
  call.diff_parameter_views = context.diff_parameters;
  call.first_parameters = context.first_parameters;
  const Node& node = *instance_->node(step.node).node;
  step.kind == TapeStep::Kind::backward ? node.backward(call) : node.gather_backward(call);
}

// The framework takes the mean over the batch: d(mean)/d(loss of a sample) = weight / samples.
void Worker::seed(const TapeStep& step, StepContext& context) const {
  bind(step.outputs, context.outputs);
  const double weight = batch_.weights[static_cast<std::size_t>(step.objective)][static_cast<std::size_t>(step.term)];
  std::ranges::fill(context.outputs.front().values(), static_cast<float>(weight / static_cast<double>(batch_.samples)));
}

void Worker::sum(const TapeStep& step, StepContext& context) const {
  bind(step.inputs, context.inputs);
  bind(step.outputs, context.outputs);
  const TensorView from = context.inputs.front(), to = context.outputs.front();
  if (to.dtype() == DType::bf16)
    math::add(to.data<BFloat16>(), from.data<BFloat16>(), to.data<BFloat16>(), to.count());
  else
    math::add(to.data(), from.data(), to.data(), to.count());
}

void Worker::spread(const TapeStep& step, StepContext& context) const {
  bind(step.inputs, context.inputs);
  bind(step.outputs, context.outputs);
  const TensorView from = context.inputs.front(), to = context.outputs.front();
  auto* copy = static_cast<std::byte*>(to.raw());
  for (const std::byte* end = copy + to.bytes(); copy < end; copy += from.bytes())
    std::memcpy(copy, from.raw(), from.bytes());
}

void Worker::sum_rows(const TapeStep& step, StepContext& context) const {
  bind(step.inputs, context.inputs);
  bind(step.outputs, context.outputs);
  const TensorView from = context.inputs.front(), to = context.outputs.front();
  std::memcpy(to.raw(), from.raw(), to.bytes());
  for (std::int64_t at = to.count(); at < from.count(); at += to.count())
    math::add(to.data(), from.data() + at, to.data(), to.count());
}

void Worker::execute(int i, std::vector<StepContext>& contexts, std::span<std::byte> scratch) {
  const TapeStep& step = batch_.tape->steps[static_cast<std::size_t>(i)];
  StepContext& context = contexts[static_cast<std::size_t>(i)];
  switch (step.kind) {
    case TapeStep::Kind::forward: return forward(i, step, context, scratch);
    case TapeStep::Kind::gather:
    case TapeStep::Kind::repeat: return forward_again(i, step, context, scratch);
    case TapeStep::Kind::backward:
    case TapeStep::Kind::gather_backward: return backward(i, step, context, scratch);
    case TapeStep::Kind::seed: return seed(step, context);
    case TapeStep::Kind::sum: return sum(step, context);
    case TapeStep::Kind::spread: return spread(step, context);
    case TapeStep::Kind::sum_rows: return sum_rows(step, context);
    case TapeStep::Kind::finish:
    case TapeStep::Kind::finish_backward: return;  // of no shard: finish_sums()
  }
}

}  // namespace loom
