// Samples and reconstructions of a model, as its document's `generate:` section describes them.
//
// Thread safety: one thread. Errors: usage if the document has no such entry, those of the graph and of the data.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "loom/tensor.h"
#include "run/executor.h"
#include "runner/model.h"

namespace loom::runner {

// The entry of `generate:` of this name; null where there is none.
const GenerateEntry* find_generate(const Document& document, const std::string& name);
// The same; throws Error(usage) that says how to write one.
const GenerateEntry& require_generate(const Document& document, const std::string& name);

class AncestralSampler;

// Why autoregressive inputs are filled the long way, on stderr.
void say_obstacles(const AncestralSampler& ancestral);

// Where a reference leads in a graph that was rewritten.
Port port_of(const Graph& graph, const Reference& reference);

struct DrawOptions {
  std::int64_t count = 64;
  std::uint64_t seed = 1;
  bool incremental = true;  // false: autoregressive inputs by whole runs of the graph
  // Options of the nodes that have them: temperature, top_k, top_p of samplers, class of priors over classes.
  std::map<std::string, OptionValue> node_options;
};
// Fresh values of what the entry shows: [count, ...]. Only for entries that need no data. Throws Error(usage) for a
// node option that no node has. Says on stderr where an autoregressive input has to be filled by whole runs.
Tensor draw_samples(const Model& model, Executor& executor, const GenerateEntry& entry, const DrawOptions& options);

struct Reconstructions {
  Tensor originals;        // [n, ...]: what goes into the likelihood, or the first input
  Tensor reconstructions;  // [n, ...]: what the entry shows
};
// Of the first `count` items of a split.
Reconstructions reconstruct(const Model& model, Executor& executor, const GenerateEntry& entry, const DataEntry& data,
                            const std::string& split, std::int64_t count, std::uint64_t seed);

// Pictures of them: a grid; originals above reconstructions. Nothing where the values are no images.
// `columns` 0: about square.
std::optional<std::string> samples_png(const Model& model, const Tensor& samples, std::int64_t columns = 0);
std::optional<std::string> reconstructions_png(const Reconstructions& pairs);

// Both as images [n, H, W, C], in the tensors' own memory; nothing where the values are no images.
struct ImagePairs {
  TensorView originals, reconstructions;
};
std::optional<ImagePairs> image_pairs(const Reconstructions& pairs);

}  // namespace loom::runner
