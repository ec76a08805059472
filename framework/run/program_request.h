// What a program is asked for and what a run of it is given; the same in the words of the tape, and whether it fits.
//
// Thread safety: values, and functions of their arguments.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "graph/tape.h"
#include "run/parameter_store.h"

namespace loom {

// A set of parameters and the weighted sum of terms that it minimizes.
struct ObjectiveRequest {
  std::vector<int> terms;       // indices into ProgramRequest::terms
  std::vector<int> parameters;  // indices into the ParameterStore
};

struct ProgramRequest {
  bool training = false;
  bool transformed = false;  // nodes with a backward step may use algorithms that round differently
  bool bf16 = false;         // nodes with a backward step multiply in bf16, and what they pass on is stored so
  std::vector<Port> feeds;   // ports whose values come from outside; every needed `input` node must be among them
  std::vector<Port> terms;   // loss ports, [N]
  std::vector<ObjectiveRequest> objectives;  // empty: forward only
  std::vector<Port> fetch;                   // ports wanted for the whole batch
  std::vector<Port> input_gradients;         // fed ports whose gradient of objective 0 is wanted (gradient checks)
  std::vector<int> recompute;                // nodes whose outputs are not kept for the backward pass (run/recompute.h)
  std::int64_t batch = 1;                    // samples of a run at most
  std::int64_t shard = 0;                    // 0: chosen from the shapes (run/division.h)
  int lanes = 0;                             // 0: chosen from the shapes
};

struct StepInput {
  std::span<const TensorView> feeds;             // in the order of ProgramRequest::feeds, [samples, ...]
  std::span<const std::vector<double>> weights;  // [objective][term of that objective]
  std::int64_t samples = 0;
  std::uint64_t seed = 0;
  std::uint32_t step = 0;
  std::int64_t first_item = -1;  // the batch's first item, if it holds the items of the data in order; for messages
  // The feeds are a part of longer sequences: the position along the first axis of an event at which the values of each
  // node of the graph begin. Pointwise nodes then draw what they would have drawn there. Empty: 0.
  std::span<const std::int64_t> starts = {};
  // The feeds hold fewer samples, a multiple of the shard, which are read over and over: synthetic data then takes no
  // memory of the batch. Only where has_whole_batch_steps() is false.
  bool feeds_repeat = false;
};

// Elements of a parameter that a node replaced at the end of a step, such as a restarted code.
struct ReplacedValues {
  int parameter = 0;  // index into the ParameterStore
  std::int64_t first = 0, count = 0;
};

TapeRequest tape_request(const ProgramRequest& request, const ParameterStore& store);

// Throws Error(bad_feed): too many samples, missing feeds, values of another shape or type.
void check_step_input(const Graph& graph, const ProgramRequest& request, const StepInput& input);

}  // namespace loom
