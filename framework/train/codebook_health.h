// Health of the codebooks during training, read from the states of the nodes of Role::quantizer.
//
// Thread safety: functions of their arguments.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "run/parameter_store.h"

namespace loom {

struct QuantizerStates {
  std::string path;                                    // of the node
  int perplexity = -1, unused_for = -1, untried = -1;  // indices into the store; -1: no such state
};
// In the order of the nodes; a quantizer that is frozen or stands still keeps no books.
std::vector<QuantizerStates> find_quantizer_states(const Graph& graph, const ParameterStore& store);

struct CodebookHealth {
  double perplexity = 0;   // of the last batch
  double used_codes = 0;   // within the last `batches`; a restarted one counts when it has been used again
  double oldest_code = 0;  // batches since the longest unused code was used
};
CodebookHealth health_of(const ParameterStore& store, const QuantizerStates& states, std::int64_t batches);

}  // namespace loom
