// The part of a graph that a scan applies at each place of an axis, and the list of calls that compute one step of it.
//
// Internal to framework/graph. Ownership: a plan keeps its graph. Thread safety: immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "graph/graph_document.h"

namespace loom {

// A scan whose shapes are known. Its inputs are ordered: those with a value for each step, those that are whole in each
// step, and the states.
struct ScanPart {
  std::string path;  // of the scan
  std::shared_ptr<const Graph> graph;
  std::vector<ScanEntry::Input> inputs;
  std::vector<std::string> outputs;
  std::vector<Port> input_ports, output_ports;
  std::vector<int> next;                // of each input: the output that a state takes in the next step; -1: no state
  std::vector<std::string> parameters;  // paths in the part, in the order of the scan's contract
  std::vector<Shape> output_shapes;     // of the scan: stacked, then the last state of each state
  std::int64_t axis = 1, steps = 0;
  bool reverse = false;

  bool is(std::size_t input, ScanEntry::Kind kind) const { return inputs[input].kind == kind; }
};

// A tensor of one step.
struct StepValue {
  Shape shape;  // with the abstract batch axis
  DType dtype = DType::f32;
  int root = -1;          // the value whose memory it shares; itself if there is no other
  int input = -1;         // the input of the scan that it is
  bool gradient = false;  // a gradient can flow back to it
};

struct StepCall {
  int node = -1;
  std::vector<int> inputs, outputs;  // values; -1: not connected
  std::vector<int> parameters;       // of each of the node's contract: its place among those of the scan; -1: left out
};

struct StepPlan {
  std::vector<StepValue> values;
  std::vector<StepCall> calls;       // sources before consumers
  std::vector<int> inputs, outputs;  // values of the ports of the part

  const StepValue& value(int index) const { return values[static_cast<std::size_t>(index)]; }
  const StepValue& root(int index) const { return value(value(index).root); }
};

// What the outputs are computed from, in training or in evaluation.
StepPlan plan_steps(const ScanPart& part, bool training);

}  // namespace loom
