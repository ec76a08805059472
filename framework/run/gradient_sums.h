// The lanes' sums of gradients. Lane 0 holds all of them until the step has ended. Another lane holds one only from the
// stage that first adds to it to the stage that last does; then it is added to lane 0's, and its memory serves others.
//
// Internal to framework/run. Ownership: owns the sums. Thread safety: a lane belongs to one worker at any time; everything
// else is called between stages, by one thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "loom/tensor.h"
#include "run/executor.h"
#include "run/plan.h"

namespace loom {

class GradientSums {
 public:
  // `counts`: floats of each gradient slot of the tape.
  void place(const Tape& tape, const Plan& plan, std::span<const std::int64_t> counts, int lanes);

  // Before the first stage: add() leaves the sums of the other lanes zero, so that only lane 0 is cleared, except `all`: after
  // a failed step.
  void clear(Executor& executor, bool all);
  float* at(int lane, int slot) const;
  // Adds the sums of the slots that no stage after `stage` adds to. Allocates nothing.
  bool adds_after(std::size_t stage) const { return lanes_.size() > 1 && !ranges_[stage].empty(); }
  void add(Executor& executor, std::size_t stage);

  std::size_t bytes() const;

 private:
  // Slots that follow each other both in lane 0 and in the others, in floats.
  struct Range {
    std::int64_t first, part, count;  // part: offset in the others
  };
  void place_slots(std::span<const std::int64_t> counts);

  std::span<float> lane(std::size_t index) const {
    return {reinterpret_cast<float*>(lanes_[index].get()), static_cast<std::size_t>(index == 0 ? total_ : part_)};
  }

  std::vector<AlignedBytes> lanes_;
  std::int64_t total_ = 0, part_ = 0;         // floats of lane 0, and of each other one
  std::vector<std::int64_t> firsts_, parts_;  // offsets per slot: in lane 0, and in the others
  std::vector<std::vector<Range>> ranges_;    // per stage: what is added after it
  std::vector<std::span<float>> spans_;       // of a range, per lane
};

}  // namespace loom
