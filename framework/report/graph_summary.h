// Counts of a graph's contents, for inspect and for the report of a run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "generate/model_source.h"
#include "run/program.h"

namespace loom::report {

struct NodeSummary {
  std::string path, type;
  std::vector<std::string> inputs;      // "x: encoder", names of source ports
  std::vector<std::string> outputs;     // "y [N, 10]"
  std::vector<std::string> parameters;  // "encoder.weight [400, 784]"
  std::vector<std::string> scheduled;   // "rate 0.45, {from: 0.5, to: 0, over: 10}": options that follow a schedule
  std::int64_t parameter_count = 0;     // values it owns; shared ones count for their owner
  std::vector<int> sources;             // indices into GraphSummary::nodes
};

// Of a run, its training step is planned as the run records it.
struct GraphSummary {
  std::string name, doc;
  std::vector<NodeSummary> nodes;  // sources before consumers
  std::int64_t parameters = 0;     // trainable values
  std::int64_t step = 0;           // that the values of scheduled options are of
  // Of a training step; 0 where the graph cannot be trained.
  std::int64_t batch = 0, shard = 0;
  int lanes = 0;
  double flop_per_sample = 0;
  ProgramMemory memory;
};

// How a training step is planned. What is not set is that of the run or of the document.
struct PlannedStep {
  std::int64_t batch = 0;
  int threads = 0;
  std::string algorithms = {}, precision = {};  // run/algorithms.h
};
// The training step is compiled, not run. Throws not_supported for a precision that the processor does not have.
GraphSummary summarize(const ModelSource& model, const PlannedStep& step);

}  // namespace loom::report
