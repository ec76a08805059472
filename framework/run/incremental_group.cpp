#include "run/incremental_group.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "loom/error.h"
#include "run/call.h"

namespace loom {
namespace {

const TapeValue& value_of(const IncrementalPlan& plan, int value) {
  return plan.tape.values[static_cast<std::size_t>(value)];
}

// [n, 1, ..., event]: one position of a value as a batch.
TensorView one_position(const TapeValue& value, int axes, std::int64_t samples) {
  Shape shape = value.shape.at_batch(samples);
  for (int axis = 1; axis <= axes; ++axis) shape[axis] = 1;
  return {value.dtype, shape, nullptr};
}

bool fills_rows(const IncrementalStep& step) { return step.output_fills.front() == Filled::rows_before; }

}  // namespace

IncrementalNodes::IncrementalNodes(const Graph& graph, const IncrementalPlan& plan, const IncrementalRequest& request,
                                   ParameterStore& store, std::int64_t samples)
    : samples_(samples), nodes_(plan.steps.size()), row_nodes_(plan.steps.size()) {
  const auto prepare = [&](const IncrementalStep& step, std::int64_t count, PreparedNode& prepared) {
    const auto view = [&](int value) {
      if (value < 0) return TensorView{};
      const TapeValue& v = value_of(plan, value);
      return step.pointwise ? one_position(v, request.axes, count)
                            : TensorView(v.dtype, v.shape.at_batch(count), nullptr);
    };
    for (const int value : step.inputs) prepared.inputs.push_back(view(value));
    for (const int value : step.outputs) prepared.outputs.push_back(view(value));
    prepared.needs.samples = prepared.needs.rows = count;
    prepared.needs.incremental = !step.pointwise;
    prepare_node(graph.node(step.node), store, prepared);
  };
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    const IncrementalStep& step = plan.steps[i];
    if (step.pointwise && fills_rows(step))
      prepare(step, samples * plan.width, row_nodes_[i]);
    else
      prepare(step, samples, nodes_[i]);
  }
}

std::size_t IncrementalNodes::scratch_bytes() const {
  std::size_t bytes = 0;
  for (const PreparedNode& prepared : nodes_) bytes = std::max(bytes, prepared.needs.scratch_bytes);
  for (const PreparedNode& prepared : row_nodes_) bytes = std::max(bytes, prepared.needs.scratch_bytes);
  return bytes;
}

void IncrementalNodes::pack(std::uint64_t version) {
  if (packed_version_ == version) return;
  for (PreparedNode& prepared : nodes_) pack_node(prepared);
  for (PreparedNode& prepared : row_nodes_) pack_node(prepared);
  packed_version_ = version;
}

IncrementalGroup::IncrementalGroup(const Graph& graph, const IncrementalPlan& plan, const IncrementalRequest& request,
                                   const IncrementalNodes& nodes)
    : graph_(graph),
      plan_(plan),
      request_(request),
      nodes_(nodes),
      positions_(plan.height * plan.width),
      maps_(plan.tape.values.size()),
      steps_(plan.steps.size()) {
  for (const int value : plan.drawn) make_map(value, true);
  for (const int value : plan.condition_values) make_map(value, false);
  for (std::size_t i = 0; i < steps_.size(); ++i) make_views(plan.steps[i], steps_[i]);
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const auto bytes = static_cast<std::int64_t>(plan.steps[i].pointwise ? 0 : nodes.node(i).needs.saved_bytes);
    saved_.push_back(bytes > 0 ? Tensor(DType::u8, Shape{bytes}) : Tensor());
  }
  scratch_size_ = nodes.scratch_bytes();
  scratch_ = allocate_bytes(scratch_size_);
}

void IncrementalGroup::make_map(int value, bool drawn) {
  const TapeValue& v = value_of(plan_, value);
  Map& map = maps_[static_cast<std::size_t>(value)];
  map.has_positions = has_positions(v, graph_.shape(request_.input), request_.axes, drawn);
  Shape shape{nodes_.samples()};
  if (map.has_positions) shape = Shape{positions_, nodes_.samples()};
  for (int axis = map.has_positions ? request_.axes + 1 : 1; axis < v.shape.rank(); ++axis)
    shape.push_back(v.shape[axis]);
  map.memory = Tensor(v.dtype, shape);
  map.whole = map.memory.view();
}

int IncrementalGroup::map_of(int value) const {
  const int root = plan_.tape.root(value);
  return maps_[static_cast<std::size_t>(value)].whole.empty() ? root : value;
}

// An alias has other axes after those of the positions.
TensorView IncrementalGroup::whole_map(int value) const {
  const int map = map_of(value);
  const TensorView& whole = maps_[static_cast<std::size_t>(map)].whole;
  const Shape& own = value_of(plan_, value).shape;
  if (map == value || own == value_of(plan_, map).shape) return whole;
  Shape shape{positions_, nodes_.samples()};
  for (int axis = request_.axes + 1; axis < own.rank(); ++axis) shape.push_back(own[axis]);
  return {whole.dtype(), shape, whole.raw()};
}

void IncrementalGroup::make_views(const IncrementalStep& step, Step& views) const {
  const auto add = [&](const std::vector<int>& values, std::vector<TensorView>& out) {
    for (const int value : values) {
      if (value < 0)
        out.emplace_back();
      else if (!step.pointwise)
        out.push_back(whole_map(value));
      else
        out.push_back(one_position(value_of(plan_, value), request_.axes,
                                   nodes_.samples() * (fills_rows(step) ? plan_.width : 1)));
    }
  };
  add(step.inputs, views.inputs);
  add(step.outputs, views.outputs);
}

void IncrementalGroup::take_conditions(std::int64_t first, std::span<const TensorView> conditions) {
  for (std::size_t k = 0; k < conditions.size(); ++k) {
    const Map& map = maps_[static_cast<std::size_t>(plan_.condition_values[k])];
    const TensorView from = conditions[k].rows(first, nodes_.samples());
    if (!map.has_positions) {
      std::memcpy(map.whole.raw(), from.raw(), from.bytes());
      continue;
    }
    const std::size_t event = from.bytes() / static_cast<std::size_t>(nodes_.samples() * positions_);
    for (std::int64_t n = 0; n < nodes_.samples(); ++n) {
      for (std::int64_t p = 0; p < positions_; ++p) {
        std::memcpy(
            static_cast<std::byte*>(map.whole.raw()) + static_cast<std::size_t>(p * nodes_.samples() + n) * event,
            static_cast<const std::byte*>(from.raw()) + static_cast<std::size_t>(n * positions_ + p) * event, event);
      }
    }
  }
}

void IncrementalGroup::fill(Call& call, std::size_t index, const PreparedNode& node) const {
  const TensorView saved = saved_[index].view();
  fill_call(call, node,
            {.stream = RandomStream(input_->seed, stream_of(graph_.node(plan_.steps[index].node).stream_path()),
                                    input_->step),
             .first_sample = first_,
             .batch_samples = input_->samples,
             .step = input_->step},
            {steps_[index].inputs,
             steps_[index].outputs,
             {scratch_.get(), scratch_size_},
             saved.empty() ? std::span<std::byte>() : std::span(static_cast<std::byte*>(saved.raw()), saved.bytes())});
}

void IncrementalGroup::call_pointwise(std::size_t index, Advance& place) {
  const IncrementalStep& step = plan_.steps[index];
  const Advance::Range range = place.range(0);
  if (range.count == 0) return;
  Step& views = steps_[index];
  const auto move = [&](const std::vector<int>& values, std::vector<TensorView>& moved) {
    for (std::size_t k = 0; k < values.size(); ++k) {
      if (values[k] < 0) continue;
      const TensorView& map = maps_[static_cast<std::size_t>(map_of(values[k]))].whole;
      moved[k].rebind(map.rows(range.first, range.count).raw());
    }
  };
  move(step.inputs, views.inputs);
  move(step.outputs, views.outputs);
  Forward call;
  const PreparedNode& node = fills_rows(step) ? nodes_.row_node(index) : nodes_.node(index);
  fill(call, index, node);
  call.position = range.first;
  node.node->forward(call);
}

void IncrementalGroup::call(std::size_t index, std::int64_t time) {
  const IncrementalStep& step = plan_.steps[index];
  Advance call;
  call.time = time;
  call.positions = positions_;
  call.height = plan_.height;
  call.width = plan_.width;
  call.input_fills = step.input_fills;
  call.output_fills = step.output_fills;
  if (step.pointwise) return call_pointwise(index, call);
  fill(call, index, nodes_.node(index));
  nodes_.node(index).node->advance(call);
}

void IncrementalGroup::run(const StepInput& input, std::int64_t first, std::span<const TensorView> conditions,
                           const TensorView& drawn, std::span<const std::uint8_t> kept) {
  input_ = &input;
  first_ = first;
  take_conditions(first, conditions);
  for (Tensor& memory : saved_) {
    if (!memory.view().empty()) std::memset(memory.view().raw(), 0, memory.view().bytes());
  }
  const TensorView from = maps_[static_cast<std::size_t>(map_of(plan_.from))].whole;
  const TensorView to = maps_[static_cast<std::size_t>(plan_.input)].whole;
  const std::size_t row = to.bytes() / static_cast<std::size_t>(positions_);
  for (std::int64_t time = 0; time < positions_; ++time) {
    std::size_t index = 0;
    try {
      for (; index < steps_.size(); ++index) call(index, time);
    } catch (const std::exception& problem) {
      const GraphNode& node = graph_.node(plan_.steps[index].node);
      Diagnostic finding;
      finding.code = ErrorCode::node_failed;
      finding.where = node.where;
      finding.message = fmt::format("'{}' failed at position {}: {}", node.path, time, problem.what());
      throw Error(std::move(finding));
    }
    const std::size_t at = static_cast<std::size_t>(time) * row;
    std::memcpy(static_cast<std::byte*>(to.raw()) + at, static_cast<const std::byte*>(from.raw()) + at, row);
    if (!kept.empty()) keep_given(time, drawn, kept);
  }
  const std::size_t event = row / static_cast<std::size_t>(nodes_.samples());
  for (std::int64_t n = 0; n < nodes_.samples(); ++n) {
    auto* out = static_cast<std::byte*>(drawn.rows(first + n, 1).raw());
    for (std::int64_t p = 0; p < positions_; ++p) {
      std::memcpy(out + static_cast<std::size_t>(p) * event,
                  static_cast<const std::byte*>(to.raw()) + static_cast<std::size_t>(p * nodes_.samples() + n) * event,
                  event);
    }
  }
}

// The given values of one position take the place of those that were drawn.
void IncrementalGroup::keep_given(std::int64_t time, const TensorView& drawn,
                                  std::span<const std::uint8_t> kept) const {
  const TensorView& map = maps_[static_cast<std::size_t>(plan_.input)].whole;
  const std::int64_t samples = nodes_.samples();
  const std::size_t event = map.bytes() / static_cast<std::size_t>(positions_ * samples);
  for (std::int64_t n = 0; n < samples; ++n) {
    if (kept[static_cast<std::size_t>((first_ + n) * positions_ + time)] == 0) continue;
    std::memcpy(static_cast<std::byte*>(map.raw()) + static_cast<std::size_t>(time * samples + n) * event,
                static_cast<const std::byte*>(drawn.rows(first_ + n, 1).raw()) + static_cast<std::size_t>(time) * event,
                event);
  }
}

std::size_t IncrementalGroup::memory_bytes() const {
  std::size_t bytes = scratch_size_;
  for (const Tensor& memory : saved_) bytes += memory.view().empty() ? 0 : memory.view().bytes();
  for (const Map& map : maps_) bytes += map.whole.empty() ? 0 : map.whole.bytes();
  return bytes;
}

}  // namespace loom
