// One step of a scan: the prepared nodes of its part, the memory of their values, and their calls.
//
// Internal to framework/graph. Thread safety: immutable once prepared; calls bring their memory.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "graph/step_plan.h"
#include "loom/node.h"

namespace loom {

// The memory of one step in one call.
struct StepMemory {
  std::byte* record = nullptr;        // values, and what the nodes save
  std::byte* diffs = nullptr;         // gradients of values
  std::byte* temporary = nullptr;     // gradients of one node's inputs before they are added
  const std::byte* zeros = nullptr;   // gradients of outputs that have none
  std::span<std::byte> scratch;       // of one node at a time
  TensorView* views = nullptr;        // of one node at a time
  std::span<std::byte* const> whole;  // of each input that is the same in all steps; null for the others
  std::int64_t time = 0;
};

class ScanStep {
 public:
  ScanStep(const ScanPart& part, const Prepare& p);

  const StepPlan& plan() const { return plan_; }
  // In bytes, of StepMemory; views: a count.
  std::size_t record_bytes() const { return record_bytes_; }
  std::size_t diff_bytes() const { return diff_bytes_; }
  std::size_t temporary_bytes() const { return temporary_bytes_; }
  std::size_t zero_bytes() const { return zero_bytes_; }
  std::size_t scratch_bytes() const { return scratch_bytes_; }
  std::size_t packed_bytes() const { return packed_bytes_; }
  std::size_t views() const { return views_; }

  // Of a value in one step; the gradient of one without a gradient is null.
  TensorView at(const StepMemory& memory, int value) const;
  float* diff_at(const StepMemory& memory, int value) const;

  void pack(const Pack& outer, std::span<std::byte> packed, std::span<std::byte> scratch) const;
  void forward(const Call& outer, const StepMemory& memory, std::span<const std::byte> packed) const;
  // Adds to the gradients of values and of parameters.
  void backward(const Backward& outer, const StepMemory& memory, std::span<const std::byte> packed) const;
  double flop() const;

 private:
  struct Prepared {
    std::unique_ptr<Node> node;
    Prepare needs;
    std::vector<TensorView> inputs, outputs, parameters;  // shapes only
    std::size_t saved_at = 0, packed_at = 0;
    std::uint32_t stream = 0;
  };

  Prepared prepare(const StepCall& call, const Prepare& outer);
  void place(std::int64_t samples);
  std::span<TensorView> bind(const StepMemory& memory, const std::vector<TensorView>& shapes,
                             const std::vector<int>& values, TensorView*& free) const;
  void fill(Call& call, std::size_t index, const Call& outer, const StepMemory& memory,
            std::span<const std::byte> packed, TensorView*& free) const;
  void call_backward(std::size_t index, const Backward& outer, const StepMemory& memory,
                     std::span<const std::byte> packed) const;

  const ScanPart& part_;
  StepPlan plan_;
  std::vector<Prepared> nodes_;            // of each call
  std::vector<TensorView> shapes_;         // of each value, at the number of samples
  std::vector<std::size_t> at_, diff_at_;  // of roots, in bytes
  std::size_t record_bytes_ = 0, diff_bytes_ = 0, temporary_bytes_ = 0, zero_bytes_ = 0, scratch_bytes_ = 0,
              packed_bytes_ = 0, views_ = 0;
};

}  // namespace loom
