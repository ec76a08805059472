// Which column of a data set feeds which input node: the column with the node's name, ignoring the prefix of a used
// graph (`vq/x` takes "x"). If a single input has no such column, it takes the column "x": unless that is the column of
// another input of the graph, or the input is one number and x is not.
//
// Ownership: a FeedPlan is a value. Errors: bad_feed for an input without a column, with the columns there are.
#pragma once

#include <span>
#include <vector>

#include "data/batches.h"
#include "graph/graph.h"

namespace loom {

struct FeedPlan {
  std::vector<Port> ports;              // ProgramRequest::feeds
  std::vector<ColumnRequest> requests;  // of Batches, in the same order
};

// For the inputs that `wanted` ports are computed from, in the given mode.
// What only `given` ports, fed from elsewhere, are computed from is left out.
FeedPlan plan_feeds(const Graph& graph, std::span<const Port> wanted, bool training, std::span<const Column> columns,
                    std::span<const Port> given = {});

// The input nodes among the ancestors of these ports, in the order of the graph; not beyond `given` ports.
std::vector<int> needed_inputs(const Graph& graph, std::span<const Port> wanted, bool training,
                               std::span<const Port> given = {});

}  // namespace loom
