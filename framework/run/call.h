// What a call of a node carries beside the gradients and the tallies: filled in one place for shards on lanes, for maps
// drawn position by position, and for the node checker.
//
// Thread safety: reads what it is given.
#pragma once

#include <cstdint>
#include <span>

#include "loom/node.h"
#include "run/prepared_node.h"

namespace loom {

// The place of a call in a run.
struct CallPlace {
  RandomStream stream;  // of the node at this step
  std::int64_t first_sample = 0;
  std::int64_t first_item = -1;
  std::int64_t batch_samples = 0;
  std::int64_t step = 0;
  int lanes = 1;
};

// The tensors and the memory of one call.
struct CallData {
  std::span<const TensorView> inputs, outputs;
  std::span<std::byte> scratch, saved;
};

// Samples, rows and training are what the node was prepared for.
void fill_call(Call& call, const PreparedNode& prepared, const CallPlace& place, const CallData& data);

// The end of a training step: `tallies` are the reduced ones, summed over the sharers of the state.
EndStep end_step_call(const PreparedNode& prepared, RandomStream stream, std::span<const TensorView> tallies,
                      std::span<const EndStep::Sharer> sharers);

}  // namespace loom
