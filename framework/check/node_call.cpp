#include "check/node_call.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <span>
#include <thread>

#include "check/node_shard.h"
#include "run/call.h"

namespace loom::check {

NodeCalls::NodeCalls(const NodeSetup& setup, int shards, bool backward) : setup_(setup), backward_(backward) {
  for (const Tensor& parameter : setup.parameters)
    parameters_.push_back(there(parameter) ? parameter.clone() : Tensor());
  const std::int64_t size = (setup.samples + shards - 1) / shards;
  for (std::int64_t first = 0; first < setup.samples; first += size) {
    shards_.push_back(std::make_unique<NodeShard>(setup, prepared_for(std::min(size, setup.samples - first)), first));
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
    p.inputs.emplace_back(setup_.stored(input.dtype()), shape, nullptr);
  }
  for (std::size_t k = 0; k < setup_.outputs.size(); ++k) {
    p.outputs.emplace_back(setup_.stored(setup_.output_type(k)), setup_.outputs[k].at_batch(samples), nullptr);
  }
  p.parameters = views_of(parameters_);
  p.needs.samples = samples;
  const bool batched = !setup_.outputs.empty() && setup_.outputs.front().per_sample();
  p.needs.rows = batched ? p.outputs.front().shape()[0] : samples;
  p.needs.training = setup_.training;
  p.needs.backward = backward_;
  p.needs.transformed = setup_.transformed;
  p.needs.bf16 = setup_.bf16;
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

// Runs `body` on each shard, on a thread of its own if there are several.
template <class Body>
void NodeCalls::for_shards(const Body& body) {
  std::vector<std::thread> threads;
  for (const auto& shard : shards_) {
    const auto guarded = [&body, s = shard.get()] {
      try {
        s->failure = nullptr;
        body(*s);
      } catch (...) {
        s->failure = std::current_exception();
      }
    };
    if (shards_.size() == 1)
      guarded();
    else
      threads.emplace_back(guarded);
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& shard : shards_) {
    if (shard->failure) std::rethrow_exception(shard->failure);
  }
}

void NodeCalls::run_shards(const std::vector<Tensor>& diff_outputs) {
  BatchTotals totals;
  if (setup_.contract().has_sums_over_batch(setup_.training)) return run_parts(totals, diff_outputs);
  for_shards([&](NodeShard& shard) {
    shard.start();
    shard.forward(totals);
    if (!backward_) return;
    shard.start_backward(diff_outputs);
    shard.backward(totals);
  });
}

// A node with sums over the batch: all shards have added to them before one reads them.
void NodeCalls::run_parts(BatchTotals& totals, const std::vector<Tensor>& diff_outputs) {
  totals.clear(prepared_.front()->needs);
  const auto add_up = [&](std::vector<double> BatchTotals::*side) {
    for (const auto& shard : shards_) {
      const std::vector<double>& share = shard->share.*side;
      for (std::size_t i = 0; i < share.size(); ++i) (totals.*side)[i] += share[i];
    }
  };
  for_shards([&](NodeShard& shard) {
    shard.start();
    shard.gather();
  });
  add_up(&BatchTotals::forward);
  shards_.front()->finish(totals);
  for_shards([&](NodeShard& shard) {
    shard.forward(totals);
    if (!backward_) return;
    shard.start_backward(diff_outputs);
    shard.gather_backward(totals);
  });
  if (!backward_) return;
  add_up(&BatchTotals::backward);
  for_shards([&](NodeShard& shard) { shard.backward(totals); });
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
  for (const auto& shard : shards_) shard->copy_to(result);
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
