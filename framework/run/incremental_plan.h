// The steps of a graph on the path from the drawn map to its draw, and how far each of their ports is filled at any
// time of ancestral sampling (loom/advance.h).
//
// Internal to framework/run. Thread safety: a plan is a value.
#pragma once

#include <string>
#include <vector>

#include "graph/tape.h"
#include "loom/advance.h"

namespace loom {

struct IncrementalRequest {
  Port input;               // what is drawn: [N, P..., ...event], fed position by position
  Port from;                // what draws it, of the same shape and type
  int axes = 1;             // axes of the positions, after the batch: 1 of a sequence, 2 of an image in raster order
  std::vector<Port> feeds;  // other ports that are fed, whole
  std::int64_t batch = 1;
};

// A node that is called over and over.
struct IncrementalStep {
  int node = -1;
  bool pointwise = false;
  std::vector<int> inputs, outputs;  // values of the tape; -1: not connected
  std::vector<Filled> input_fills, output_fills;
};

struct IncrementalPlan {
  Tape tape;  // forward, from `input` (feed 0) and the other feeds to `from`
  std::vector<IncrementalStep> steps;
  std::vector<int> drawn;             // values that depend on what is drawn
  std::vector<Port> conditions;       // ports that the steps read and that do not: computed once
  std::vector<int> condition_values;  // their values, root or not
  int input = -1, from = -1;          // values
  std::int64_t height = 1, width = 1;
  std::string obstacle;  // why it cannot be done, naming a node; "" where it can
};

// Never throws for want of an incremental face: that is the obstacle.
IncrementalPlan plan_incremental(const Graph& graph, const IncrementalRequest& request);

// True where a value has the axes of the positions: [N, P..., channels], or [N, P...] of codes.
bool has_positions(const TapeValue& value, const Shape& input, int axes, bool is_drawn);

}  // namespace loom
