// Ancestral sampling position by position. Each node on the path from the drawn map to its draw is called once per
// position and keeps what it needs of earlier positions, so a map costs about one forward pass.
//
// Samples are drawn in groups of a few, dealt to the executor's threads. The groups depend only on the number of
// samples, and random numbers on seed, node, step, sample and position. Any number of threads therefore gives the
// same bits, and the draws are those of running the whole graph once per position.
//
// Ownership: keeps the graph; refers to the ParameterStore and the Executor, which must outlive it.
// Thread safety: one run() at a time. Errors: not_supported with the obstacle; run() throws node_failed.
#pragma once

#include <memory>
#include <span>

#include "run/bound_graph.h"
#include "run/incremental_plan.h"
#include "run/program.h"

namespace loom {

class IncrementalProgram {
 public:
  // `plan` is plan_incremental(*graph, request), without an obstacle.
  IncrementalProgram(BoundGraph graph, IncrementalRequest request, IncrementalPlan plan);
  ~IncrementalProgram();

  // Draws every position of `drawn`, [samples, P..., ...event]. `input.feeds` are those of request.feeds. `kept`: for
  // each sample and position, whether the value in `drawn` stays (1) or is drawn (0); empty: all are drawn.
  void run(const StepInput& input, const TensorView& drawn, std::span<const std::uint8_t> kept = {});

  std::size_t memory_bytes() const;  // of the maps of one group

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Samples of a group: enough for small matrix products, few enough that every core gets a group.
std::int64_t incremental_group(std::int64_t samples);

}  // namespace loom
