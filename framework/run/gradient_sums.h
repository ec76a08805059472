// The lanes' sums of gradients. Lane 0 holds all of them until the step has ended. Another lane holds one only from the
// stage that first adds to it to the stage that last does; then it is added to lane 0's, and its memory serves others.
// Nothing is cleared between steps: a lane's sum becomes zero when it is first opened, unless it is overwritten.
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

// Elements of a gradient whose squares are summed together; fixed, so that no number of threads changes a bit of a norm.
inline constexpr std::int64_t kSquares = 1 << 14;

class GradientSums {
 public:
  // `counts`: floats of each gradient slot of the tape.
  void place(const Tape& tape, const Plan& plan, std::span<const std::int64_t> counts, int lanes);

  // Before the first stage: whatever the sums hold is left over.
  void begin();
  // The lane's sum, for a step that adds to it. Where the step is the first one, it is zero, or, for one that overwrites it,
  // undefined, and `is_first`.
  struct Opened {
    float* values;
    bool is_first;
  };
  Opened open(int lane, int slot, bool overwrites = false);
  // After a stage: adds the sums of the slots that no later stage adds to. What no step opened is zero. Allocates nothing.
  bool ends_after(std::size_t stage) const { return !pieces_[stage].empty(); }
  void add(Executor& executor, std::size_t stage);
  // Where the lane's sum lies; after the last stage, lane 0 has the sum of all lanes.
  float* at(int lane, int slot) const;
  // Then also the sums of squares of each kSquares elements of it, taken while they were in a cache.
  std::span<const double> squares(int slot) const { return squares_[static_cast<std::size_t>(slot)]; }

  std::size_t bytes() const;

 private:
  // At most kSquares elements of a slot, from the one with this number on.
  struct Piece {
    int slot;
    std::int64_t first, count;
    double* squares;
  };
  void add_piece(const Piece& piece) const;

  std::span<float> lane(std::size_t index) const {
    return {reinterpret_cast<float*>(lanes_[index].get()), static_cast<std::size_t>(index == 0 ? total_ : part_)};
  }

  std::vector<AlignedBytes> lanes_;
  std::int64_t total_ = 0, part_ = 0;         // floats of lane 0, and of each other one
  std::vector<std::int64_t> firsts_, parts_;  // offsets per slot: in lane 0, and in the others
  std::vector<std::int64_t> counts_;          // floats per slot
  std::vector<std::vector<char>> open_;       // per lane and slot
  std::vector<std::vector<double>> squares_;  // per slot
  std::vector<std::vector<int>> ending_;      // per stage: the slots that are added after it
  std::vector<std::vector<Piece>> pieces_;    // of these
};

}  // namespace loom
