#include "check/node_shard.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>

#include "loom/math.h"
#include "run/call.h"

namespace loom::check {
namespace {

constexpr std::uint32_t kPoison = 0x7FC0DEADU;  // a NaN that no arithmetic produces

// Calls `body`; its cost is added to one side of the meter, if there is one. Of a `part` of a call, only what it
// allocates counts.
template <class Body>
void metered(CallMeter* meter, CallCost CallMeter::*side, const Body& body, bool part = false) {
  if (meter == nullptr) return body();
  CallCost& cost = meter->*side;
  if (meter->counter != nullptr) meter->counter->start();
  const auto start = std::chrono::steady_clock::now();
  body();
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  const Allocations allocations = meter->counter != nullptr ? meter->counter->stop() : Allocations();
  cost.allocations += allocations.own;
  cost.library_allocations += allocations.library;
  if (part) return;
  ++cost.calls;
  cost.seconds = std::min(cost.seconds, time.count());
}

// The complete words of a tensor's memory.
std::span<std::uint32_t> words_of(const TensorView& tensor) {
  return {static_cast<std::uint32_t*>(tensor.raw()), tensor.bytes() / sizeof(std::uint32_t)};
}
void fill_with_poison(const TensorView& tensor) { std::ranges::fill(words_of(tensor), kPoison); }
bool holds_poison(const TensorView& tensor) {
  return std::ranges::find(words_of(tensor), kPoison) != words_of(tensor).end();
}

// The rows of a whole-batch tensor that belong to a shard: an axis with extent k N has k rows per sample.
TensorView rows_of(const Tensor& tensor, std::int64_t first, std::int64_t count, std::int64_t samples) {
  if (!there(tensor)) return {};
  const std::int64_t per_sample = tensor.shape()[0] / samples;
  return tensor.view().rows(first * per_sample, count * per_sample);
}

// to = from, of the same type or of bf16 and f32.
void copy_values(const TensorView& from, const TensorView& to) {
  if (from.dtype() == to.dtype())
    std::memcpy(to.raw(), from.raw(), to.bytes());
  else if (to.dtype() == DType::bf16)
    math::to_bf16(from.data(), to.data<BFloat16>(), to.count());
  else
    math::to_f32(from.data<BFloat16>(), to.data(), to.count());
}

}  // namespace

Tensor fresh(DType dtype, const Shape& shape) {
  if (shape.rank() == 0) return {};
  Tensor tensor(dtype, shape);
  fill_with_poison(tensor);
  return tensor;
}

std::vector<TensorView> views_of(const std::vector<Tensor>& tensors) {
  std::vector<TensorView> views;
  for (const Tensor& tensor : tensors) views.push_back(there(tensor) ? tensor.view() : TensorView());
  return views;
}

TensorView NodeShard::rows(const Tensor& whole) const {
  return rows_of(whole, first_, prepared_.needs.samples, setup_.samples);
}

// The rows as the node takes them.
TensorView NodeShard::narrow_rows(const Tensor& whole) {
  const TensorView view = rows(whole);
  if (!there(whole) || setup_.stored(view.dtype()) == view.dtype()) return view;
  copy_values(view, narrow_inputs_.emplace_back(DType::bf16, view.shape()));
  return narrow_inputs_.back().view();
}

void NodeShard::fill(Call& call, std::span<const TensorView> inputs, std::span<const TensorView> outputs) const {
  std::memset(scratch_.get(), kDirt, prepared_.needs.scratch_bytes);
  fill_call(
      call, prepared_,
      {.stream = RandomStream(setup_.seed, stream_of("node"), kStep),
       .first_sample = first_,
       .batch_samples = setup_.samples,
       .step = kStep,
       .lanes = 2},
      {inputs, outputs, {scratch_.get(), prepared_.needs.scratch_bytes}, {saved_.get(), prepared_.needs.saved_bytes}});
}

void NodeShard::start() {
  inputs_.clear();
  outputs_.clear();
  tallies.clear();
  broken_rules_.clear();
  share.clear(prepared_.needs);
  narrow_inputs_.clear();
  for (const Tensor& tensor : setup_.inputs) inputs_.push_back(setup_.bf16 ? narrow_rows(tensor) : rows(tensor));
  for (const TensorView& view : prepared_.outputs) outputs_.push_back(fresh(view.dtype(), view.shape()));
  for (const Shape& tally : setup_.tallies) tallies.push_back(tally.rank() > 0 ? Tensor(DType::f32, tally) : Tensor());
  output_views_ = views_of(outputs_);
  std::memset(saved_.get(), kDirt, prepared_.needs.saved_bytes);
}

void NodeShard::gather() {
  const std::vector<TensorView> none(output_views_.size());
  Forward call;
  fill(call, inputs_, none);
  call.sums = share.forward;
  metered(
      meter, &CallMeter::forward, [&] { prepared_.node->gather(call); }, true);
}

void NodeShard::finish(BatchTotals& totals) const {
  Forward call;
  fill(call, {}, {});
  call.sums = totals.forward;
  prepared_.node->finish(call);
}

void NodeShard::forward(BatchTotals& totals) {
  const std::vector<TensorView> tally_views = views_of(tallies);
  Forward call;
  fill(call, inputs_, output_views_);
  call.tally_views = tally_views;
  call.sums = totals.forward;
  if (setup_.contract().is_alias()) {  // the framework lets both ports share their memory and calls nothing
    std::memcpy(output_views_.front().raw(), inputs_.front().raw(), inputs_.front().bytes());
  } else {
    metered(meter, &CallMeter::forward, [&] { prepared_.node->forward(call); });
  }
  for (std::size_t k = 0; k < output_views_.size(); ++k) {
    if (output_views_[k].empty() || !holds_poison(output_views_[k])) continue;
    broken_rules_.push_back(
        fmt::format("forward leaves elements of output '{}' unwritten", setup_.contract().outputs()[k].name));
  }
}

// Values that backward has not declared that it reads are absent.
void NodeShard::hide(std::vector<TensorView>& views, bool outputs) const {
  const Contract& contract = setup_.contract();
  for (std::size_t i = 0; i < views.size(); ++i) {
    const std::string& declared = outputs ? contract.outputs()[i].name : contract.input_at(static_cast<int>(i)).name;
    if (!contract.reads_in_backward(declared, setup_.options)) views[i] = TensorView();
  }
}

void NodeShard::start_backward(const std::vector<Tensor>& diff_outputs) {
  diff_outputs_.clear();
  diff_inputs_.clear();
  diff_parameters_.clear();
  for (std::size_t k = 0; k < outputs_.size(); ++k) {
    diff_outputs_.push_back(there(outputs_[k]) ? Tensor(setup_.stored(DType::f32), outputs_[k].shape()) : Tensor());
    if (k < diff_outputs.size() && there(diff_outputs[k])) copy_values(rows(diff_outputs[k]), diff_outputs_.back());
  }
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    diff_inputs_.push_back(setup_.differentiable(i) ? fresh(setup_.stored(DType::f32), inputs_[i].shape()) : Tensor());
  }
  for (const Tensor& parameter : setup_.parameters) {
    diff_parameters_.push_back(there(parameter) ? Tensor(DType::f32, parameter.shape()) : Tensor());
  }
}

// Lets `body` make a call; `with_inputs`, `with_parameters`: whose gradients it asks for.
void NodeShard::call_backward(BatchTotals& totals, bool with_inputs, bool with_parameters,
                              const std::function<void(Backward&)>& body) {
  std::vector<TensorView> kept_inputs = inputs_, kept_outputs = output_views_;
  hide(kept_inputs, false);
  hide(kept_outputs, true);
  const std::vector<TensorView> above = views_of(diff_outputs_);
  std::vector<TensorView> below = views_of(diff_inputs_), sums = views_of(diff_parameters_);
  if (!with_inputs) std::ranges::fill(below, TensorView());
  if (!with_parameters) std::ranges::fill(sums, TensorView());
  Backward call;
  fill(call, kept_inputs, kept_outputs);
  call.diff_output_views = above;
  call.diff_input_views = below;
  call.diff_parameter_views = sums;
  call.sums = totals.forward;
  call.diff_sums = totals.backward;
  body(call);
}

void NodeShard::gather_backward(BatchTotals& totals) {
  call_backward(totals, false, true, [&](Backward& call) {
    call.diff_sums = share.backward;
    metered(
        meter, &CallMeter::backward, [&] { prepared_.node->gather_backward(call); }, true);
    std::vector<double> again(share.backward.size(), 0.0);
    call.diff_sums = again;
    check_addition(call, &Node::gather_backward);
  });
}

void NodeShard::backward(BatchTotals& totals) {
  const bool adds = !setup_.contract().has_sums_over_batch(setup_.training);
  call_backward(totals, true, adds, [&](Backward& call) { call_node_backward(call, adds); });
}

// `adds`: it adds to the gradients of parameters.
void NodeShard::call_node_backward(Backward& call, bool adds) {
  const std::span<const TensorView> below = call.diff_input_views;
  if (setup_.contract().is_alias()) {
    if (!below.front().empty())
      std::memcpy(below.front().raw(), call.diff_output_views.front().raw(), below.front().bytes());
    return;
  }
  metered(meter, &CallMeter::backward, [&] { prepared_.node->backward(call); });
  for (std::size_t i = 0; i < below.size(); ++i) {
    if (below[i].empty() || !holds_poison(below[i])) continue;
    broken_rules_.push_back(fmt::format("backward leaves elements of diff_input '{}' unwritten",
                                        setup_.contract().input_name(static_cast<int>(i))));
  }
  if (!adds) return;
  check_addition(call, &Node::backward);
  check_overwriting(call);
}

// Calls backward again, with sums that are already 1: the same gradient must be added to them, and what forward saved
// must still exist, as it must for several objectives.
void NodeShard::check_addition(Backward& call, Pass pass) {
  std::vector<Tensor> again;
  for (const Tensor& sum : diff_parameters_) {
    again.push_back(there(sum) ? sum.clone() : Tensor());
    if (there(sum)) std::ranges::fill(again.back().values(), 1.0F);
  }
  const std::vector<TensorView> views = views_of(again);
  std::memset(scratch_.get(), 0, prepared_.needs.scratch_bytes);
  call.diff_parameter_views = views;
  ((*prepared_.node).*pass)(call);
  for (std::size_t j = 0; j < again.size(); ++j) {
    if (!there(again[j]) || is_added(again[j], j, 1)) continue;
    broken_rules_.push_back(
        fmt::format("a second backward onto diff_parameter '{}' does not add the same gradient again",
                    setup_.contract().parameters()[j].name));
  }
}

// The values are the gradient of the parameter, added to `base`.
bool NodeShard::is_added(const Tensor& again, std::size_t parameter, double base) const {
  const auto first = diff_parameters_[parameter].values(), second = again.values();
  double worst = 0, scale = 1;
  for (std::size_t i = 0; i < second.size(); ++i) {
    const double once = static_cast<double>(first[i]);
    const double difference = std::abs(static_cast<double>(second[i]) - base - once);
    worst = std::isnan(difference) ? HUGE_VAL : std::max(worst, difference);
    scale = std::max(scale, std::abs(once));
  }
  return worst <= 1e-5 * scale;
}

// Calls backward onto sums that hold nothing yet, for parameters that are declared with overwrites_first.
void NodeShard::check_overwriting(Backward& call) {
  const std::vector<ParameterDeclaration>& declared = setup_.contract().parameters();
  std::vector<char> first(declared.size(), 0);
  std::vector<Tensor> again;
  for (std::size_t j = 0; j < diff_parameters_.size(); ++j) {
    const Tensor& sum = diff_parameters_[j];
    first[j] = there(sum) && declared[j].overwrites(setup_.options) ? 1 : 0;
    again.push_back(!there(sum)     ? Tensor()
                    : first[j] != 0 ? fresh(DType::f32, sum.shape())
                                    : Tensor(DType::f32, sum.shape()));
  }
  if (std::ranges::count(first, 1) == 0) return;
  const std::vector<TensorView> views = views_of(again);
  std::memset(scratch_.get(), 0, prepared_.needs.scratch_bytes);
  call.diff_parameter_views = views;
  call.first_parameters = first;
  prepared_.node->backward(call);
  call.first_parameters = {};
  for (std::size_t j = 0; j < again.size(); ++j) {
    if (!there(again[j]) || is_added(again[j], j, 0)) continue;
    broken_rules_.push_back(
        fmt::format("the first backward does not overwrite diff_parameter '{}' with the gradient", declared[j].name));
  }
}

void NodeShard::copy_to(CallResult& result) const {
  const auto copy = [&](const std::vector<Tensor>& from, std::vector<Tensor>& to) {
    for (std::size_t i = 0; i < from.size() && i < to.size(); ++i) {
      if (there(from[i])) copy_values(from[i], rows(to[i]));
    }
  };
  copy(outputs_, result.outputs);
  copy(diff_inputs_, result.diff_inputs);
  for (std::size_t j = 0; j < result.diff_parameters.size(); ++j) {
    if (!there(diff_parameters_[j])) continue;
    const auto sum = result.diff_parameters[j].values(), part = diff_parameters_[j].values();
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += part[i];
  }
  result.broken_rules.insert(result.broken_rules.end(), broken_rules_.begin(), broken_rules_.end());
}

}  // namespace loom::check
