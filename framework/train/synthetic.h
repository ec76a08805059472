// Synthetic data with the shapes that a graph expects: for bench, and to compile a training step without data.
#pragma once

#include <vector>

#include "graph/graph.h"
#include "loom/tensor.h"
#include "train/objectives.h"

namespace loom {

// The inputs that the training terms of a plan are computed from.
std::vector<Port> training_inputs(const Graph& graph, const TrainingPlan& plan);

// One batch for each port: numbers uniform in [0, 1), codes uniform below what their consumers accept.
std::vector<Tensor> synthetic_batch(const Graph& graph, const std::vector<Port>& ports, std::int64_t samples,
                                    std::uint64_t seed);

}  // namespace loom
