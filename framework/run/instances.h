// The instances of a program: one for each number of samples that its steps are called with, and the contexts in which
// the workers call them.
//
// Internal to framework/run. Ownership: owns the instances; refers to graph, tape and store. Thread safety: contexts of
// different workers are apart; the rest while nothing runs.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "run/instance.h"
#include "run/program_request.h"
#include "run/step_work.h"

namespace loom {

class Instances {
 public:
  // `whole_steps`: some steps see the whole batch.
  Instances(const Graph& graph, const Tape& tape, ParameterStore& store, const ProgramRequest& request,
            bool whole_steps)
      : graph_(graph), tape_(tape), store_(store), request_(request), whole_steps_(whole_steps) {}

  // Makes those that a batch needs: a shard, the last shard, and the batch for whole-batch nodes. Returns whether any
  // are new: make_contexts() must follow.
  bool ensure(std::int64_t samples);
  void make_contexts(std::size_t workers);

  const Instance& shard(std::int64_t samples) const { return *shards_.at(samples); }
  const Instance& whole(std::int64_t samples) const { return *wholes_.at(samples); }
  std::vector<StepContext>& contexts(std::int64_t samples, std::size_t worker) { return contexts_.at(samples)[worker]; }
  std::vector<StepContext>& whole_contexts(std::int64_t samples) { return whole_contexts_.at(samples); }
  // A node that steps of a kind call, with parameters and states.
  const PreparedNode& any(int node) const;

  std::vector<StepMemory> memory() const;  // per step, the most that any of them needs
  std::vector<std::size_t> sum_counts() const { return shards_.begin()->second->sum_counts(tape_); }
  // Before a run: nodes of another step, and weights of another version.
  void pack(const Instance::PackAll& of_shards, const Instance::PackAll& of_wholes);
  std::size_t packed_bytes() const;
  double flop_per_sample() const;
  std::vector<StepWork> work() const;

 private:
  const Instance& first_shard() const { return shard(std::min(request_.shard, request_.batch)); }

  const Graph& graph_;
  const Tape& tape_;
  ParameterStore& store_;
  const ProgramRequest& request_;
  bool whole_steps_;
  std::map<std::int64_t, std::unique_ptr<Instance>> shards_, wholes_;
  std::map<std::int64_t, std::vector<std::vector<StepContext>>> contexts_;  // per samples, worker, step
  std::map<std::int64_t, std::vector<StepContext>> whole_contexts_;
};

}  // namespace loom
