#include "run/instances.h"

#include <algorithm>

namespace loom {

bool Instances::ensure(std::int64_t samples) {
  bool fresh = false;
  const auto need = [&](std::map<std::int64_t, std::unique_ptr<Instance>>& instances, std::int64_t n, bool whole) {
    if (n == 0 || instances.count(n) > 0) return;
    const Instance::Mode mode{request_.training, request_.transformed, request_.bf16, whole};
    instances[n] = std::make_unique<Instance>(graph_, tape_, store_, mode, n);
    fresh = true;
  };
  need(shards_, std::min(request_.shard, samples), false);
  need(shards_, samples % request_.shard, false);
  if (whole_steps_) need(wholes_, samples, true);
  return fresh;
}

void Instances::make_contexts(std::size_t workers) {
  contexts_.clear();
  const auto make = [&](const Instance& instance, std::vector<StepContext>& contexts) {
    for (const TapeStep& step : tape_.steps) contexts.push_back(instance.make_context(graph_, tape_, step));
  };
  for (const auto& [n, instance] : shards_) {
    contexts_[n].resize(workers);
    for (auto& contexts : contexts_[n]) make(*instance, contexts);
  }
  whole_contexts_.clear();
  for (const auto& [n, instance] : wholes_) make(*instance, whole_contexts_[n]);
}

const PreparedNode& Instances::any(int node) const {
  const Instance& shard = *shards_.begin()->second;
  return shard.has(node) ? shard.node(node) : wholes_.begin()->second->node(node);
}

std::vector<StepMemory> Instances::memory() const {
  std::vector<StepMemory> memory(tape_.steps.size());
  for (const auto* instances : {&shards_, &wholes_}) {
    for (const auto& [n, instance] : *instances) {
      const std::vector<StepMemory> own = instance->memory(tape_);
      for (std::size_t i = 0; i < memory.size(); ++i) {
        memory[i].scratch = std::max(memory[i].scratch, own[i].scratch);
        memory[i].saved = std::max(memory[i].saved, own[i].saved);
      }
    }
  }
  return memory;
}

void Instances::pack(const Instance::PackAll& of_shards, const Instance::PackAll& of_wholes) {
  for (auto* instances : {&shards_, &wholes_}) {
    for (auto& [n, instance] : *instances) {
      instance->follow_schedules(graph_, store_);
      instance->pack(store_, instances == &shards_ ? of_shards : of_wholes);
    }
  }
}

std::size_t Instances::packed_bytes() const {
  std::size_t bytes = 0;
  for (const auto* instances : {&shards_, &wholes_}) {
    for (const auto& [n, instance] : *instances) bytes += instance->packed_bytes();
  }
  return bytes;
}

double Instances::flop_per_sample() const {
  double flop = first_shard().flop(tape_) / static_cast<double>(first_shard().samples());
  if (whole_steps_) flop += whole(request_.batch).flop(tape_) / static_cast<double>(request_.batch);
  return flop;
}

std::vector<StepWork> Instances::work() const {
  std::vector<StepWork> all;
  const auto samples = static_cast<double>(request_.batch);
  add_work(graph_, tape_, first_shard(), samples, all);
  if (whole_steps_) add_work(graph_, tape_, whole(request_.batch), samples, all);
  return all;
}

}  // namespace loom
