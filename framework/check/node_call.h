// One node under test, prepared for every shard size that a division of its batch needs, and the calls of the node.
//
// Internal to framework/check. Memory that a node may not rely on is poisoned before each call.
#pragma once

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "check/node_setup.h"
#include "loom/check.h"
#include "loom/node.h"
#include "run/prepared_node.h"

namespace loom::check {

inline constexpr std::uint32_t kStep = 7;  // arbitrary
inline constexpr int kDirt = 0xFF;         // as a float it is a NaN, as an integer -1

// The result of one run over the whole batch; tensors of the whole batch.
struct CallResult {
  std::vector<Tensor> outputs, diff_inputs, diff_parameters, states;
  std::vector<std::string> broken_rules;
};

// The cost of calls of a node, without the cost of the surrounding test.
struct CallCost {
  std::int64_t calls = 0, allocations = 0, library_allocations = 0;
  double seconds = HUGE_VAL;  // of the fastest call
};
struct CallMeter {
  AllocationCounter* counter = nullptr;  // null: allocations are not counted
  CallCost forward, backward;
};

class NodeShard;
struct BatchTotals;

class NodeCalls {
 public:
  NodeCalls(const NodeSetup& setup, int shards, bool backward);
  ~NodeCalls();

  // Packs the weights and runs each shard on its own thread. `diff_outputs` are in declaration order; a missing one
  // is zeros. Without `backward` (see the constructor) only forward runs.
  CallResult run(const std::vector<Tensor>& diff_outputs);
  // Measures the calls of the first shard from now on; null: stops measuring.
  void measure(CallMeter* meter);

 private:
  PreparedNode& prepared_for(std::int64_t samples);
  void pack(const std::vector<TensorView>& states);
  template <class Body>
  void for_shards(const Body& body);
  void run_shards(const std::vector<Tensor>& diff_outputs);
  void run_parts(BatchTotals& totals, const std::vector<Tensor>& diff_outputs);
  void end_step();
  CallResult gathered(std::vector<Tensor> states);

  void take_parameters();

  const NodeSetup& setup_;
  bool backward_;
  std::vector<Tensor> parameters_;                       // a run's own: the end of a step may change them
  std::vector<std::unique_ptr<PreparedNode>> prepared_;  // one for each number of samples
  std::vector<std::unique_ptr<NodeShard>> shards_;
};

// The largest deviation, relative to the largest value in its tensor.
struct Deviation {
  double error = 0;
  std::string where;  // "input 'mean', element 5 of [4, 6]"

  void raise(double other, const std::string& place) {
    if (!(other <= error)) *this = {other, place};
  }
};
// max |got - expected| / max |expected|; infinite for NaN and for different shapes.
Deviation deviation(const std::string& what, const TensorView& got, const TensorView& expected);

// Compares backward with central differences of forward. `setup` is changed during the call and restored afterwards.
// Outputs with a straight-through gradient are skipped.
Report compare_with_differences(NodeSetup& setup, const DifferenceCheck& settings, Deviation* largest = nullptr);

}  // namespace loom::check
