// The node objects of a tape, prepared for one number of samples, and the call contexts that each lane fills.
//
// Internal to framework/run. Ownership: an Instance owns its node objects and packed weights. Thread safety: node
// objects are immutable after construction; a context belongs to its lane.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "graph/tape.h"
#include "run/parameter_store.h"
#include "run/plan.h"
#include "run/prepared_node.h"

namespace loom {

// The views of one step as one lane calls it: shapes are fixed, data pointers are set before each call.
struct StepContext {
  std::vector<TensorView> inputs, outputs, diff_outputs, diff_inputs, diff_parameters, tallies;
  std::vector<char> overwrites;        // per parameter of the contract: it overwrites the first gradient
  std::vector<char> first_parameters;  // per parameter: Backward::is_first
};

class Instance {
 public:
  // `whole_batch` selects which nodes of the tape are prepared: those that see the whole batch, or the others.
  struct Mode {
    bool training = false, transformed = false, bf16 = false, whole_batch = false;
  };
  Instance(const Graph& graph, const Tape& tape, ParameterStore& store, Mode mode, std::int64_t samples);

  std::int64_t samples() const { return samples_; }
  const PreparedNode& node(int index) const { return nodes_[static_cast<std::size_t>(index)]; }
  bool has(int index) const { return nodes_[static_cast<std::size_t>(index)].node != nullptr; }
  // Numbers in each of the tape's sums over the batch.
  std::vector<std::size_t> sum_counts(const Tape& tape) const;
  std::vector<StepMemory> memory(const Tape& tape) const;  // per step; zero for nodes of the other kind
  StepContext make_context(const Graph& graph, const Tape& tape, const TapeStep& step) const;
  // Makes nodes with scheduled options anew where the store is at another step than before.
  void follow_schedules(const Graph& graph, const ParameterStore& store);
  // Repacks weights when the store's values changed. `run_parallel(count, body)` runs body(i, scratch) for each i, with scratch
  // that is large enough for any step of the node, and nobody else's meanwhile.
  using PackOne = std::function<void(std::int64_t, std::span<std::byte>)>;
  using PackAll = std::function<void(std::int64_t, const PackOne&)>;
  void pack(const ParameterStore& store, const PackAll& run_parallel);
  double flop(const Tape& tape) const;      // of one pass over `samples`
  double flop(const TapeStep& step) const;  // 0 for a step of the other kind, and where a node does not count
  std::size_t packed_bytes() const;

 private:
  void pack_with_others(const Graph& graph, int index);

  std::int64_t samples_;
  std::vector<PreparedNode> nodes_;  // per graph node; empty where the tape does not call it
  std::vector<int> packing_;         // nodes with packed weights
  std::uint64_t packed_version_ = 0;
  std::vector<int> scheduled_;  // nodes with scheduled options
  std::int64_t step_ = 0;       // that they are made for
};

}  // namespace loom
