// A node object prepared for fixed shapes, with its packed weights.
//
// Ownership: owns the object and what it packed; refers to its parameters and states. Thread safety: immutable once
// packed.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "graph/graph.h"
#include "loom/node.h"
#include "run/parameter_store.h"

namespace loom {

struct PreparedNode {
  std::unique_ptr<Node> node;
  std::vector<TensorView> inputs, outputs, parameters, states;  // inputs and outputs: shapes only
  Prepare needs;
  std::shared_ptr<std::byte[]> packed;  // of nodes that pack the same, one
};

// Creates and prepares a node: `prepared` holds the views, and in `needs` what the caller knows of it (samples, rows,
// training, backward, incremental).
void prepare_node(const NodeType& type, const Options& options, PreparedNode& prepared);

// The node of a graph, with parameters and states of the store. Throws Error(node_failed) with its path and place.
void prepare_node(const GraphNode& node, ParameterStore& store, PreparedNode& prepared);

// Makes the node anew with the values that its scheduled options have at the store's step. Throws Error(node_failed) where
// it then asks for other memory.
void renew_node(const GraphNode& node, const ParameterStore& store, PreparedNode& prepared);

// `scratch`: at least of the node's scratch_bytes; the second form has its own.
void pack_node(PreparedNode& prepared, std::span<std::byte> scratch);
void pack_node(PreparedNode& prepared);

// Whether two nodes of a program pack the same: they share their parameters, and differ in nothing that preparing sees.
bool pack_alike(const GraphNode& a, const PreparedNode& prepared_a, const GraphNode& b, const PreparedNode& prepared_b);

}  // namespace loom
