// The range of the values that an input port of a graph's node accepts: what its declaration says, with the number of
// classes from the node's options and shapes.
//
// Thread safety: a function of values. Errors: none.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>

#include "graph/graph.h"

namespace loom {

// Both ends included.
struct AcceptedValues {
  double minimum, maximum;
  bool is_bounded() const { return std::isfinite(minimum) || std::isfinite(maximum); }
};

// The extent that a letter has in one of the node's inputs; none if no connected input has the letter.
std::optional<std::int64_t> extent_of(const Graph& graph, const GraphNode& node, const std::string& letter);

AcceptedValues accepted_values(const Graph& graph, const GraphNode& node, int input);

}  // namespace loom
