#include "check/node_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <exception>
#include <span>
#include <thread>

#include "run/call.h"

namespace loom::check {
namespace {

constexpr std::uint32_t kPoison = 0x7FC0DEADU;  // a NaN that no arithmetic produces

// Calls `body`; its cost is added to one side of the meter, if there is one.
template <class Body>
void metered(CallMeter* meter, CallCost CallMeter::*side, const Body& body) {
  if (meter == nullptr) return body();
  CallCost& cost = meter->*side;
  if (meter->counter != nullptr) meter->counter->start();
  const auto start = std::chrono::steady_clock::now();
  body();
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  const Allocations allocations = meter->counter != nullptr ? meter->counter->stop() : Allocations();
  ++cost.calls;
  cost.allocations += allocations.own;
  cost.library_allocations += allocations.library;
  cost.seconds = std::min(cost.seconds, time.count());
}

// The complete words of a tensor's memory.
std::span<std::uint32_t> words_of(const TensorView& tensor) {
  return {static_cast<std::uint32_t*>(tensor.raw()), tensor.bytes() / sizeof(std::uint32_t)};
}
void poison(const TensorView& tensor) { std::ranges::fill(words_of(tensor), kPoison); }
bool poisoned(const TensorView& tensor) {
  return std::ranges::find(words_of(tensor), kPoison) != words_of(tensor).end();
}

// A poisoned tensor, or none for a shape without axes.
Tensor fresh(DType dtype, const Shape& shape) {
  if (shape.rank() == 0) return {};
  Tensor tensor(dtype, shape);
  poison(tensor);
  return tensor;
}

std::vector<TensorView> views_of(const std::vector<Tensor>& tensors) {
  std::vector<TensorView> views;
  for (const Tensor& tensor : tensors) views.push_back(there(tensor) ? tensor.view() : TensorView());
  return views;
}

// The rows of a whole-batch tensor that belong to a shard: an axis with extent k N has k rows per sample.
TensorView rows_of(const Tensor& tensor, std::int64_t first, std::int64_t count, std::int64_t samples) {
  if (!there(tensor)) return {};
  const std::int64_t per_sample = tensor.shape()[0] / samples;
  return tensor.view().rows(first * per_sample, count * per_sample);
}

}  // namespace

// One shard of one run.
class NodeCalls::Shard {
 public:
  Shard(const NodeSetup& setup, const PreparedNode& prepared, std::int64_t first)
      : setup_(setup),
        prepared_(prepared),
        first_(first),
        scratch_(allocate_bytes(prepared.needs.scratch_bytes)),
        saved_(allocate_bytes(prepared.needs.saved_bytes)) {}

  void forward();
  void backward(const std::vector<Tensor>& diff_outputs);
  void gather(CallResult& result) const;

  std::exception_ptr failure;
  CallMeter* meter = nullptr;
  std::vector<Tensor> tallies;

 private:
  void fill(Call& call, std::span<const TensorView> inputs, std::span<const TensorView> outputs) const;
  void hide(std::vector<TensorView>& views, bool outputs) const;
  void check_addition(Backward& call);
  TensorView rows(const Tensor& whole) const { return rows_of(whole, first_, prepared_.needs.samples, setup_.samples); }

  const NodeSetup& setup_;
  const PreparedNode& prepared_;
  std::int64_t first_;
  AlignedBytes scratch_, saved_;
  std::vector<TensorView> inputs_, output_views_;
  std::vector<Tensor> outputs_, diff_inputs_, diff_parameters_;
  std::vector<std::string> broken_rules_;
};

void NodeCalls::Shard::fill(Call& call, std::span<const TensorView> inputs, std::span<const TensorView> outputs) const {
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

void NodeCalls::Shard::forward() {
  inputs_.clear();
  outputs_.clear();
  tallies.clear();
  broken_rules_.clear();
  for (const Tensor& tensor : setup_.inputs) inputs_.push_back(rows(tensor));
  for (const TensorView& view : prepared_.outputs) outputs_.push_back(fresh(view.dtype(), view.shape()));
  for (const Shape& tally : setup_.tallies) tallies.push_back(tally.rank() > 0 ? Tensor(DType::f32, tally) : Tensor());
  output_views_ = views_of(outputs_);
  const std::vector<TensorView> tally_views = views_of(tallies);
  std::memset(saved_.get(), kDirt, prepared_.needs.saved_bytes);
  Forward call;
  fill(call, inputs_, output_views_);
  call.tally_views = tally_views;
  if (setup_.contract().is_alias()) {  // the framework lets both ports share their memory and calls nothing
    std::memcpy(output_views_.front().raw(), inputs_.front().raw(), inputs_.front().bytes());
  } else {
    metered(meter, &CallMeter::forward, [&] { prepared_.node->forward(call); });
  }
  for (std::size_t k = 0; k < output_views_.size(); ++k) {
    if (output_views_[k].empty() || !poisoned(output_views_[k])) continue;
    broken_rules_.push_back(
        fmt::format("forward leaves elements of output '{}' unwritten", setup_.contract().outputs()[k].name));
  }
}

// Values that backward has not declared that it reads are absent.
void NodeCalls::Shard::hide(std::vector<TensorView>& views, bool outputs) const {
  const Contract& contract = setup_.contract();
  for (std::size_t i = 0; i < views.size(); ++i) {
    const std::string& declared = outputs ? contract.outputs()[i].name : contract.input_at(static_cast<int>(i)).name;
    if (!contract.reads_in_backward(declared)) views[i] = TensorView();
  }
}

void NodeCalls::Shard::backward(const std::vector<Tensor>& diff_outputs) {
  std::vector<Tensor> above;
  for (std::size_t k = 0; k < outputs_.size(); ++k) {
    above.push_back(there(outputs_[k]) ? Tensor(DType::f32, outputs_[k].shape()) : Tensor());
    if (k < diff_outputs.size() && there(diff_outputs[k]))
      std::ranges::copy(rows(diff_outputs[k]).values(), above.back().values().begin());
  }
  diff_inputs_.clear();
  diff_parameters_.clear();
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    diff_inputs_.push_back(setup_.differentiable(i) ? fresh(DType::f32, inputs_[i].shape()) : Tensor());
  }
  for (const Tensor& parameter : setup_.parameters) {
    diff_parameters_.push_back(there(parameter) ? Tensor(DType::f32, parameter.shape()) : Tensor());
  }
  std::vector<TensorView> kept_inputs = inputs_, kept_outputs = output_views_;
  hide(kept_inputs, false);
  hide(kept_outputs, true);
  const std::vector<TensorView> above_views = views_of(above), below = views_of(diff_inputs_),
                                sums = views_of(diff_parameters_);
  Backward call;
  fill(call, kept_inputs, kept_outputs);
  call.diff_output_views = above_views;
  call.diff_input_views = below;
  call.diff_parameter_views = sums;
  if (setup_.contract().is_alias()) {
    if (!below.front().empty()) std::memcpy(below.front().raw(), above_views.front().raw(), below.front().bytes());
    return;
  }
  metered(meter, &CallMeter::backward, [&] { prepared_.node->backward(call); });
  for (std::size_t i = 0; i < below.size(); ++i) {
    if (below[i].empty() || !poisoned(below[i])) continue;
    broken_rules_.push_back(fmt::format("backward leaves elements of diff_input '{}' unwritten",
                                        setup_.contract().input_name(static_cast<int>(i))));
  }
  check_addition(call);
}

// Calls backward again, with sums that are already 1: the same gradient must be added to them, and what forward saved
// must still exist, as it must for several objectives.
void NodeCalls::Shard::check_addition(Backward& call) {
  std::vector<Tensor> again;
  for (const Tensor& sum : diff_parameters_) {
    again.push_back(there(sum) ? sum.clone() : Tensor());
    if (there(sum)) std::ranges::fill(again.back().values(), 1.0F);
  }
  const std::vector<TensorView> views = views_of(again);
  std::memset(scratch_.get(), 0, prepared_.needs.scratch_bytes);
  call.diff_parameter_views = views;
  prepared_.node->backward(call);
  for (std::size_t j = 0; j < again.size(); ++j) {
    if (!there(again[j])) continue;
    const auto first = diff_parameters_[j].values(), second = again[j].values();
    double worst = 0, scale = 1;
    for (std::size_t i = 0; i < second.size(); ++i) {
      const double once = static_cast<double>(first[i]);
      const double difference = std::abs(static_cast<double>(second[i]) - 1 - once);
      worst = std::isnan(difference) ? HUGE_VAL : std::max(worst, difference);
      scale = std::max(scale, std::abs(once));
    }
    if (worst <= 1e-5 * scale) continue;
    broken_rules_.push_back(
        fmt::format("a second backward onto diff_parameter '{}' does not add the same gradient again",
                    setup_.contract().parameters()[j].name));
  }
}

void NodeCalls::Shard::gather(CallResult& result) const {
  const auto copy = [&](const std::vector<Tensor>& from, std::vector<Tensor>& to) {
    for (std::size_t i = 0; i < from.size() && i < to.size(); ++i) {
      if (there(from[i])) std::memcpy(rows(to[i]).raw(), from[i].view().raw(), from[i].view().bytes());
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

NodeCalls::NodeCalls(const NodeSetup& setup, int shards, bool backward) : setup_(setup), backward_(backward) {
  for (const Tensor& parameter : setup.parameters)
    parameters_.push_back(there(parameter) ? parameter.clone() : Tensor());
  const std::int64_t size = (setup.samples + shards - 1) / shards;
  for (std::int64_t first = 0; first < setup.samples; first += size) {
    shards_.push_back(std::make_unique<Shard>(setup, prepared_for(std::min(size, setup.samples - first)), first));
  }
}

NodeCalls::~NodeCalls() = default;

void NodeCalls::measure(CallMeter* meter) { shards_.front()->meter = meter; }

PreparedNode& NodeCalls::prepared_for(std::int64_t samples) {
  for (const auto& p : prepared_) {
    if (p->needs.samples == samples) return *p;
  }
  PreparedNode& p = *prepared_.emplace_back(std::make_unique<PreparedNode>());
  for (const Tensor& input : setup_.inputs) {
    Shape shape = input.shape();
    if (there(input)) shape[0] = shape[0] / setup_.samples * samples;
    p.inputs.emplace_back(input.dtype(), shape, nullptr);
  }
  for (std::size_t k = 0; k < setup_.outputs.size(); ++k) {
    p.outputs.emplace_back(setup_.output_type(k), setup_.outputs[k].at_batch(samples), nullptr);
  }
  p.parameters = views_of(parameters_);
  p.needs.samples = samples;
  const bool batched = !setup_.outputs.empty() && setup_.outputs.front().per_sample();
  p.needs.rows = batched ? p.outputs.front().shape()[0] : samples;
  p.needs.training = setup_.training;
  p.needs.backward = backward_;
  p.needs.transformed = setup_.transformed;
  prepare_node(*setup_.type, setup_.options, p);
  return p;
}

void NodeCalls::pack(const std::vector<TensorView>& states) {
  for (const auto& p : prepared_) {
    p->states = states;
    if (p->needs.packed_bytes > 0) std::memset(p->packed.get(), kDirt, p->needs.packed_bytes);
    pack_node(*p);
  }
}

void NodeCalls::run_shards(const std::vector<Tensor>& diff_outputs) {
  std::vector<std::thread> threads;
  for (const auto& shard : shards_) {
    const auto body = [&, s = shard.get()] {
      try {
        s->failure = nullptr;
        s->forward();
        if (backward_) s->backward(diff_outputs);
      } catch (...) {
        s->failure = std::current_exception();
      }
    };
    if (shards_.size() == 1)
      body();
    else
      threads.emplace_back(body);
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& shard : shards_) {
    if (shard->failure) std::rethrow_exception(shard->failure);
  }
}

// Shard by shard, so that sums have the same bits each time.
CallResult NodeCalls::gathered(std::vector<Tensor> states) {
  CallResult result;
  result.states = std::move(states);
  for (std::size_t k = 0; k < setup_.outputs.size(); ++k) {
    result.outputs.push_back(fresh(setup_.output_type(k), setup_.outputs[k].at_batch(setup_.samples)));
  }
  for (std::size_t i = 0; backward_ && i < setup_.inputs.size(); ++i) {
    result.diff_inputs.push_back(setup_.differentiable(i) ? fresh(DType::f32, setup_.inputs[i].shape()) : Tensor());
  }
  for (std::size_t j = 0; backward_ && j < setup_.parameters.size(); ++j) {
    result.diff_parameters.push_back(there(setup_.parameters[j]) ? Tensor(DType::f32, setup_.parameters[j].shape())
                                                                 : Tensor());
  }
  for (const auto& shard : shards_) shard->gather(result);
  return result;
}

void NodeCalls::take_parameters() {
  for (std::size_t j = 0; j < parameters_.size(); ++j) {
    if (there(parameters_[j])) std::ranges::copy(setup_.parameters[j].values(), parameters_[j].values().begin());
  }
}

// Passes the tallies of the shards, added in order.
void NodeCalls::end_step() {
  std::vector<Tensor>& sums = shards_.front()->tallies;
  for (std::size_t s = 1; s < shards_.size(); ++s) {
    for (std::size_t t = 0; t < sums.size(); ++t) {
      for (std::size_t i = 0; there(sums[t]) && i < sums[t].values().size(); ++i)
        sums[t].values()[i] += shards_[s]->tallies[t].values()[i];
    }
  }
  const std::vector<TensorView> tallies = views_of(sums);
  const PreparedNode& first = *prepared_.front();
  const EndStep::Sharer alone{tallies, first.states};
  first.node->end_step(end_step_call(first, RandomStream(setup_.seed, stream_of("node"), kStep), tallies, {&alone, 1}));
}

CallResult NodeCalls::run(const std::vector<Tensor>& diff_outputs) {
  take_parameters();
  std::vector<Tensor> states;
  for (const Tensor& state : setup_.states) states.push_back(there(state) ? state.clone() : Tensor());
  pack(views_of(states));
  run_shards(diff_outputs);
  if (setup_.training && !setup_.tallies.empty()) end_step();
  return gathered(std::move(states));
}

}  // namespace loom::check
