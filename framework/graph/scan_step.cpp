#include "graph/scan_step.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "loom/error.h"
#include "loom/math.h"

namespace loom {
namespace {

constexpr std::size_t kMostParameters = 64;  // of one node in a part

std::size_t aligned(std::size_t bytes) { return (bytes + kCacheLine - 1) / kCacheLine * kCacheLine; }

bool wants(const PortDeclaration& port, const StepValue& value) { return port.is_differentiable && value.gradient; }

}  // namespace

ScanStep::ScanStep(const ScanPart& part, const Prepare& p) : part_(part), plan_(plan_steps(part, p.training)) {
  place(p.samples);
  for (const StepCall& call : plan_.calls) nodes_.push_back(prepare(call, p));
}

// Where the values of a step are, and their gradients.
void ScanStep::place(std::int64_t samples) {
  at_.assign(plan_.values.size(), 0);
  diff_at_.assign(plan_.values.size(), 0);
  for (std::size_t i = 0; i < plan_.values.size(); ++i) {
    const StepValue& value = plan_.values[i];
    shapes_.emplace_back(value.dtype, value.shape.at_batch(samples), nullptr);
    if (value.root != static_cast<int>(i)) continue;
    const bool whole = value.input >= 0 && part_.is(static_cast<std::size_t>(value.input), ScanEntry::Kind::whole);
    if (!whole) {
      at_[i] = record_bytes_;
      record_bytes_ += aligned(shapes_[i].bytes());
    }
    if (value.dtype != DType::f32) continue;
    diff_at_[i] = diff_bytes_;
    diff_bytes_ += aligned(shapes_[i].bytes());
    zero_bytes_ = std::max(zero_bytes_, shapes_[i].bytes());
  }
}

ScanStep::Prepared ScanStep::prepare(const StepCall& call, const Prepare& outer) {
  const GraphNode& node = part_.graph->node(call.node);
  Prepared prepared;
  std::size_t temporary = 0;
  for (const int value : call.inputs) {
    prepared.inputs.push_back(value < 0 ? TensorView() : shapes_[static_cast<std::size_t>(value)]);
    if (value >= 0) temporary += aligned(prepared.inputs.back().bytes());
  }
  for (const int value : call.outputs) prepared.outputs.push_back(shapes_[static_cast<std::size_t>(value)]);
  for (const int parameter : call.parameters)
    prepared.parameters.push_back(parameter < 0 ? TensorView()
                                                : outer.parameter_views[static_cast<std::size_t>(parameter)]);
  if (call.parameters.size() > kMostParameters)
    throw Error(ErrorCode::not_supported, "a node with more than 64 parameters in a scan: " + node.path);
  Prepare& needs = prepared.needs;
  needs.contract = &node.contract();
  needs.input_views = prepared.inputs;
  needs.output_views = prepared.outputs;
  needs.parameter_views = prepared.parameters;
  needs.samples = outer.samples;
  needs.rows = outer.samples * node.rows_per_sample();
  needs.training = outer.training;
  needs.backward = outer.backward;
  needs.transformed = outer.transformed;
  needs.bf16 = outer.bf16 && !node.full_precision;
  prepared.node = node.type->create(node.options);
  prepared.node->prepare(needs);
  prepared.saved_at = record_bytes_;
  record_bytes_ += aligned(needs.saved_bytes);
  prepared.packed_at = packed_bytes_;
  packed_bytes_ += aligned(needs.packed_bytes);
  prepared.stream = stream_of(node.path);
  scratch_bytes_ = std::max(scratch_bytes_, needs.scratch_bytes);
  temporary_bytes_ = std::max(temporary_bytes_, temporary);
  views_ = std::max(views_, 2 * (call.inputs.size() + call.outputs.size() + call.parameters.size()));
  return prepared;
}

TensorView ScanStep::at(const StepMemory& memory, int value) const {
  TensorView view = shapes_[static_cast<std::size_t>(value)];
  const int root = plan_.value(value).root, input = plan_.value(root).input;
  std::byte* whole = input < 0 ? nullptr : memory.whole[static_cast<std::size_t>(input)];
  view.rebind(whole != nullptr ? whole : memory.record + at_[static_cast<std::size_t>(root)]);
  return view;
}

float* ScanStep::diff_at(const StepMemory& memory, int value) const {
  if (!plan_.value(value).gradient) return nullptr;
  return reinterpret_cast<float*>(memory.diffs + diff_at_[static_cast<std::size_t>(plan_.value(value).root)]);
}

std::span<TensorView> ScanStep::bind(const StepMemory& memory, const std::vector<TensorView>& shapes,
                                     const std::vector<int>& values, TensorView*& free) const {
  TensorView* const first = free;
  for (std::size_t k = 0; k < values.size(); ++k) *free++ = values[k] < 0 ? shapes[k] : at(memory, values[k]);
  return {first, values.size()};
}

void ScanStep::fill(Call& call, std::size_t index, const Call& outer, const StepMemory& memory,
                    std::span<const std::byte> packed, TensorView*& free) const {
  const Prepared& prepared = nodes_[index];
  const StepCall& planned = plan_.calls[index];
  const Prepare& needs = prepared.needs;
  call.contract = needs.contract;
  call.input_views = bind(memory, prepared.inputs, planned.inputs, free);
  call.output_views = bind(memory, prepared.outputs, planned.outputs, free);
  TensorView* const parameters = free;
  for (const int parameter : planned.parameters)
    *free++ = parameter < 0 ? TensorView() : outer.parameter_views[static_cast<std::size_t>(parameter)];
  call.parameter_views = {parameters, planned.parameters.size()};
  call.scratch_memory = memory.scratch.first(needs.scratch_bytes);
  call.saved_memory = {memory.record + prepared.saved_at, needs.saved_bytes};
  call.packed_memory = packed.subspan(prepared.packed_at, needs.packed_bytes);
  // Each node draws other numbers in each step.
  call.stream = RandomStream(outer.stream.value(static_cast<std::uint32_t>(memory.time), prepared.stream),
                             prepared.stream, static_cast<std::uint32_t>(index));
  call.first_sample = outer.first_sample;
  call.samples = outer.samples;
  call.batch_samples = outer.batch_samples;
  call.rows = needs.rows;
  call.first_row = outer.first_sample * (needs.rows / std::max<std::int64_t>(1, needs.samples));
  call.first_item = outer.first_item;
  call.step = outer.step;
  call.training = needs.training;
}

void ScanStep::pack(const Pack& outer, std::span<std::byte> packed, std::span<std::byte> scratch) const {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const Prepared& prepared = nodes_[i];
    if (prepared.needs.packed_bytes == 0) continue;
    const std::vector<int>& indices = plan_.calls[i].parameters;
    std::array<TensorView, kMostParameters> parameters;  // every step packs, and allocates nothing
    std::ranges::transform(indices, parameters.begin(), [&](int parameter) {
      return parameter < 0 ? TensorView() : outer.parameter_views[static_cast<std::size_t>(parameter)];
    });
    Pack call;
    call.contract = prepared.needs.contract;
    call.parameter_views = std::span(parameters).first(indices.size());
    call.packed_memory = packed.subspan(prepared.packed_at, prepared.needs.packed_bytes);
    call.scratch_memory = scratch.first(prepared.needs.scratch_bytes);
    prepared.node->pack(call);
  }
}

void ScanStep::forward(const Call& outer, const StepMemory& memory, std::span<const std::byte> packed) const {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    Forward call;
    TensorView* free = memory.views;
    fill(call, i, outer, memory, packed, free);
    nodes_[i].node->forward(call);
  }
}

void ScanStep::backward(const Backward& outer, const StepMemory& memory, std::span<const std::byte> packed) const {
  for (std::size_t i = nodes_.size(); i-- > 0;) {
    const std::vector<int>& outputs = plan_.calls[i].outputs;
    if (std::ranges::any_of(outputs, [&](int value) { return plan_.value(value).gradient; }))
      call_backward(i, outer, memory, packed);
  }
}

void ScanStep::call_backward(std::size_t index, const Backward& outer, const StepMemory& memory,
                             std::span<const std::byte> packed) const {
  const StepCall& planned = plan_.calls[index];
  Backward call;
  TensorView* free = memory.views;
  fill(call, index, outer, memory, packed, free);
  TensorView* const outputs = free;
  for (const int value : planned.outputs) {
    float* diff = diff_at(memory, value);
    *free = TensorView(DType::f32, shapes_[static_cast<std::size_t>(value)].shape(), diff);
    if (diff == nullptr) free->rebind(const_cast<std::byte*>(memory.zeros));
    ++free;
  }
  call.diff_output_views = {outputs, planned.outputs.size()};
  TensorView* const inputs = free;
  std::byte* temporary = memory.temporary;
  for (std::size_t k = 0; k < planned.inputs.size(); ++k) {
    const int value = planned.inputs[k];
    *free = TensorView();
    if (value >= 0 && wants(call.contract->input_at(static_cast<int>(k)), plan_.value(value))) {
      *free = TensorView(DType::f32, shapes_[static_cast<std::size_t>(value)].shape(), temporary);
      temporary += aligned(free->bytes());
    }
    ++free;
  }
  call.diff_input_views = {inputs, planned.inputs.size()};
  TensorView* const parameters = free;
  for (const int parameter : planned.parameters)
    *free++ = parameter < 0 ? TensorView() : outer.diff_parameter_views[static_cast<std::size_t>(parameter)];
  call.diff_parameter_views = {parameters, planned.parameters.size()};
  nodes_[index].node->backward(call);
  for (std::size_t k = 0; k < planned.inputs.size(); ++k) {
    if (inputs[k].empty()) continue;
    float* sum = diff_at(memory, planned.inputs[k]);
    math::add(sum, inputs[k].data(), sum, inputs[k].count());
  }
}

double ScanStep::flop() const {
  double sum = 0;
  for (const Prepared& prepared : nodes_) sum += prepared.node->forward_flop(prepared.needs);
  return sum;
}

}  // namespace loom
