// Sums over the batch (Contract::sums_over_batch_in_training): each lane adds those of its shards, and where all shards
// are done the lanes' are added as a balanced tree, as gradients are. So they do not depend on the threads.
//
// Internal to framework/run.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace loom {

class Lane;
struct BatchState;
struct PreparedNode;
struct TapeStep;

// Where each of the tape's sums lies in those of a lane.
struct BatchSums {
  std::vector<std::size_t> offsets, counts;  // per Tape::sums
  std::span<double> totals;  // those of the first lane, which become those of the batch one after the other

  // Returns how many numbers a lane has.
  std::size_t place(std::vector<std::size_t> count_of_each);
  std::span<double> part(int sums, std::span<double> lane) const {
    const auto at = static_cast<std::size_t>(sums);
    return lane.subspan(offsets[at], counts[at]);
  }
};

// Runs a step of kind finish or finish_backward: adds the lanes' sums into `lanes[0]`, in double, and lets the node
// finish them. Allocates nothing.
void finish_sums(const BatchState& batch, std::span<const std::span<double>> lanes, const TapeStep& step,
                 const PreparedNode& prepared);

}  // namespace loom
