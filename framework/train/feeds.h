// Which column of a data set feeds which input node: the column with the node's name, ignoring the prefix of a used
// graph (`vq/x` takes "x"). If a single input has no such column, it takes the column "x": unless that is the column of
// another input of the graph, or the input is one number and x is not. A mask (train/masks.h) without a column is 1
// everywhere: the data at hand have no gaps.
//
// Ownership: a FeedPlan is a value. Errors: bad_feed for an input without a column, with the columns there are.
#pragma once

#include <map>
#include <span>
#include <string>
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

// What the nodes that `wanted` ports are computed from accept of the values of each input node.
std::map<int, std::vector<ValueRange>> accepted_ranges(const Graph& graph, std::span<const Port> wanted, bool training,
                                                       std::span<const Port> given = {});

// The column of each of these inputs by these rules; "" where there is none.
std::vector<std::string> columns_of(const Graph& graph, std::span<const int> inputs, std::span<const Column> columns);

// The input nodes among the ancestors of these ports, in the order of the graph; not beyond `given` ports.
std::vector<int> needed_inputs(const Graph& graph, std::span<const Port> wanted, bool training,
                               std::span<const Port> given = {});

}  // namespace loom
