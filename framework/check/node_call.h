// One node under test, prepared for every size of shard that a cut of its batch needs, and the calls it is given.
//
// Internal to framework/testing. Memory that a node may not rely on is poisoned before each call.
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

// What one run over the whole batch gives; tensors of the whole batch.
struct CallResult {
  std::vector<Tensor> outputs, diff_inputs, diff_parameters, states;
  std::vector<std::string> broken_rules;
};

// What calls of a node cost, without what the test around them does.
struct CallCost {
  std::int64_t calls = 0, allocations = 0, library_allocations = 0;
  double seconds = HUGE_VAL;  // of the fastest
};
struct CallMeter {
  AllocationCounter* counter = nullptr;  // null: allocations are not counted
  CallCost forward, backward;
};

class NodeCalls {
 public:
  NodeCalls(const NodeSetup& setup, int shards, bool backward);
  ~NodeCalls();

  // Packs the weights, runs each shard on a thread of its own. `diff_outputs` in declaration order; one that is not
  // there is zeros. Without `backward` (see the constructor) only forward runs.
  CallResult run(const std::vector<Tensor>& diff_outputs);
  // From now on the calls of the first shard are measured; null: no longer.
  void measure(CallMeter* meter);

 private:
  class Shard;

  PreparedNode& prepared_for(std::int64_t samples);
  void pack(const std::vector<TensorView>& states);
  void run_shards(const std::vector<Tensor>& diff_outputs);
  void end_step();
  CallResult gathered(std::vector<Tensor> states);

  void take_parameters();

  const NodeSetup& setup_;
  bool backward_;
  std::vector<Tensor> parameters_;                       // a run's own: the end of a step may change them
  std::vector<std::unique_ptr<PreparedNode>> prepared_;  // one for each number of samples
  std::vector<std::unique_ptr<Shard>> shards_;
};

// The largest deviation that was found, relative to the largest value beside it.
struct Deviation {
  double error = 0;
  std::string where;  // "input 'mean', element 5 of [4, 6]"

  void raise(double other, const std::string& place) {
    if (!(other <= error)) *this = {other, place};
  }
};
// max |got - expected| / max |expected|; NaN and other shapes are infinite.
Deviation deviation(const std::string& what, const TensorView& got, const TensorView& expected);

// backward against central differences of forward; `setup` is changed while it runs, and then as it was. Outputs whose
// gradient is straight-through are left out.
Report compare_with_differences(NodeSetup& setup, const DifferenceCheck& settings, Deviation* largest = nullptr);

}  // namespace loom::check
