// What a failure in a step of a tape is called: the node, its place in the document, the direction and the step of training.
//
// Internal to framework/run. Thread safety: a function of its arguments.
#pragma once

#include <exception>

#include "graph/tape.h"
#include "loom/error.h"

namespace loom {

// node_failed, or not_differentiable or not_finite where the problem is one of these.
Error step_failure(const Graph& graph, const TapeStep& step, std::uint32_t number, const std::exception& problem);

}  // namespace loom
