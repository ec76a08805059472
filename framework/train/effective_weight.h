// What a layer that normalises its weight has computed with, for a layer that takes the weight over and does not normalise it
// so: W / (u^T W v) of a layer with singular vectors, scale_i w_i / |w_i| of one with learned norms. The layers then compute
// the same.
//
// Thread safety: a function of its arguments. Errors: none.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace loom {

// The values of a parameter or state where the weight came from; empty: it had none.
using StoredValues = std::function<std::vector<float>(const std::string& path)>;

// Replaces `values`, those of the node's own parameter `weight` as they were stored. The paths of the values stored beside
// it that say how; none: it stays as it is.
std::vector<std::string> make_effective(const GraphNode& node, const GraphParameter& weight, const StoredValues& stored,
                                        std::span<float> values);

}  // namespace loom
