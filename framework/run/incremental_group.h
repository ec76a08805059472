// A few samples that are drawn together, position by position: their maps, and the loop over time.
//
// Internal to framework/run. Ownership: a group owns its maps and refers to the nodes, which several groups share.
// Thread safety: one thread at a time; different groups on different threads.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "run/incremental_plan.h"
#include "run/prepared_node.h"
#include "run/program_request.h"

namespace loom {

// The nodes of a plan, prepared for groups of `samples`.
class IncrementalNodes {
 public:
  IncrementalNodes(const Graph& graph, const IncrementalPlan& plan, const IncrementalRequest& request,
                   ParameterStore& store, std::int64_t samples);

  std::int64_t samples() const { return samples_; }
  const PreparedNode& node(std::size_t step) const { return nodes_[step]; }
  const PreparedNode& row_node(std::size_t step) const { return row_nodes_[step]; }  // pointwise, a row at once
  std::size_t scratch_bytes() const;
  void pack(std::uint64_t version);  // once for each version of the weights

 private:
  std::int64_t samples_;
  std::vector<PreparedNode> nodes_, row_nodes_;
  std::uint64_t packed_version_ = 0;
};

class IncrementalGroup {
 public:
  IncrementalGroup(const Graph& graph, const IncrementalPlan& plan, const IncrementalRequest& request,
                   const IncrementalNodes& nodes);

  // Draws the samples [first, first + samples) of the batch. `conditions` are the plan's, [batch, ...]; `kept` is that of
  // IncrementalProgram::run, of the batch.
  void run(const StepInput& input, std::int64_t first, std::span<const TensorView> conditions, const TensorView& drawn,
           std::span<const std::uint8_t> kept);
  std::size_t memory_bytes() const;

 private:
  // One step as it is called: its views are made once, and moved along the maps.
  struct Step {
    std::vector<TensorView> inputs, outputs;  // pointwise: of one position, else whole maps
    std::vector<TensorView> row_inputs, row_outputs;
  };
  struct Map {
    TensorView whole;  // [P, n, ...event]; a condition without positions: [n, ...]
    Tensor memory;
    bool has_positions = false;
  };

  void make_map(int value, bool drawn);
  int map_of(int value) const;
  TensorView whole_map(int value) const;  // as a step sees it
  void make_views(const IncrementalStep& step, Step& views) const;
  void take_conditions(std::int64_t first, std::span<const TensorView> conditions);
  void call(std::size_t index, std::int64_t time);
  void call_pointwise(std::size_t index, Advance& call);
  void keep_given(std::int64_t time, const TensorView& drawn, std::span<const std::uint8_t> kept) const;
  void fill(Call& call, std::size_t index, const PreparedNode& node) const;

  const Graph& graph_;
  const IncrementalPlan& plan_;
  const IncrementalRequest& request_;
  const IncrementalNodes& nodes_;
  std::int64_t positions_;
  std::vector<Map> maps_;  // per value; of drawn roots and of conditions
  std::vector<Step> steps_;
  std::vector<Tensor> saved_;  // per step: the node's own memory of the map that is being drawn
  AlignedBytes scratch_;
  std::size_t scratch_size_ = 0;
  const StepInput* input_ = nullptr;
  std::int64_t first_ = 0;
};

}  // namespace loom
