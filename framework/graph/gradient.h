// Nodes of Role::gradient: the gradient of the sum of a port's values by the values of a port that it is computed from.
//
//   slope: {type: gradient, in: {of: critic, at: mixed}}
//
// becomes a node for each input of each node on the ways from `at` to `of` (gradient_type.h), with that node's weights, and a
// sum in its own place. What they compute is part of the graph: losses read it, and their gradients flow back through it.
// With `stop: true` they do not, and a node needs no second derivative.
//
// Errors: not_differentiable where there is no way for a gradient, dangling_input where `of` does not depend on `at`.
// Thread safety: a function of its arguments.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace loom {

// Of a graph whose nodes have their shapes and weights.
void expand_gradients(std::vector<GraphNode>& nodes, std::vector<int>& order, std::map<std::string, int>& index,
                      const Registry& registry, Diagnostics& diagnostics);

// A node that has no second derivative, and through which the gradient of a gradient would have to flow.
Diagnostic no_second_derivative(const GraphNode& node);

}  // namespace loom
