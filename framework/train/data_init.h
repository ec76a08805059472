// Initial values that follow from the data: the first batch goes through the layers one after the other, and the weights of
// each are scaled, and its biases shifted, so that its output has mean 0 and standard deviation 1 (or the rule's `scale`) in
// each channel. It is done once, before the first step of a training job that starts anew.
//
//   w[o] *= s / std[o],  b[o] = (b[o] - mean[o]) s / std[o],  over all samples and positions of the batch, as in evaluation
//
// Chosen are the nodes whose weights match `train.data_init`, if no rule of `init` says anything about these weights, and
// those with the rule `data`. Frozen nodes, and weights of other nodes, stay as they are, and so do channels that are
// the same everywhere. The values are a function of the seed and the data: threads, lanes and shards change nothing.
//
// Salimans and Kingma 2016, Weight Normalization, section 3, equations 6 and 7; Mishkin and Matas 2016, All you need is a
// good init, algorithm 1
// Thread safety: one thread, while no program runs. Errors: not_finite with the node whose output is not finite.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "run/bound_graph.h"
#include "train/check_patterns.h"

namespace loom {

struct FirstBatch {
  std::span<const Port> feeds;
  std::span<const TensorView> columns;  // of the feeds
  std::int64_t samples = 0;
  std::uint64_t seed = 0;
};

// The nodes to initialise, in the order of the layers: of those that `wanted` ports are computed from.
std::vector<int> nodes_with_data_init(const Graph& graph, const std::vector<std::string>& patterns,
                                      std::span<const Port> wanted);

// A pattern that names no weight that the first batch could scale is a mistake: E214.
void check_data_init(const Graph& graph, const PlacedPatterns& patterns, Diagnostics& diagnostics);

// The nodes whose outputs are constant in every channel, which stay as they are.
std::vector<int> init_from_data(const BoundGraph& bound, std::span<const int> nodes, const FirstBatch& batch);

}  // namespace loom
