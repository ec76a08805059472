#include "train/codebook_health.h"

#include <algorithm>

namespace loom {
namespace {

int state_of(const GraphNode& node, const ParameterStore& store, const std::string& name) {
  for (const GraphParameter& state : node.states) {
    if (node.contract().states()[static_cast<std::size_t>(state.declaration)].name == name)
      return store.find(state.path);
  }
  return -1;
}

}  // namespace

std::vector<QuantizerStates> find_quantizer_states(const Graph& graph, const ParameterStore& store) {
  std::vector<QuantizerStates> found;
  for (const GraphNode& node : graph.nodes()) {
    if (node.contract().role() != Role::quantizer || !node.trains(true)) continue;
    const QuantizerStates states{node.path, state_of(node, store, "perplexity"), state_of(node, store, "unused_for"),
                                 state_of(node, store, "untried")};
    if (states.perplexity >= 0 && states.unused_for >= 0) found.push_back(states);
  }
  return found;
}

CodebookHealth health_of(const ParameterStore& store, const QuantizerStates& states, std::int64_t batches) {
  CodebookHealth health;
  health.perplexity = static_cast<double>(store.at(states.perplexity).value.values()[0]);
  const auto limit = static_cast<float>(batches);
  const auto ages = store.at(states.unused_for).value.values();
  const auto untried = states.untried < 0 ? std::span<float>() : store.at(states.untried).value.values();
  for (std::size_t k = 0; k < ages.size(); ++k) {
    const float age = ages[k];
    if (age < limit && (untried.empty() || untried[k] == 0)) ++health.used_codes;
    health.oldest_code = std::max(health.oldest_code, static_cast<double>(age));
  }
  return health;
}

}  // namespace loom
