// A node object prepared for fixed shapes, with its packed weights.
//
// Internal to framework/run. Ownership: owns the object and its packed weights. Thread safety: immutable once packed.
#pragma once

#include <memory>
#include <vector>

#include "graph/graph.h"
#include "loom/node.h"
#include "run/parameter_store.h"

namespace loom {

struct PreparedNode {
  std::unique_ptr<Node> node;
  std::vector<TensorView> inputs, outputs, parameters, states;  // parameters and states point into the store
  Prepare needs;
  AlignedBytes packed;
};

// Creates and prepares the node: `inputs` and `outputs` hold shapes, `needs` what the caller knows of it (samples,
// rows, training, backward, incremental). Throws Error(node_failed) with the node's path and place.
void prepare_node(const GraphNode& node, ParameterStore& store, PreparedNode& prepared);

void pack_node(PreparedNode& prepared);

}  // namespace loom
