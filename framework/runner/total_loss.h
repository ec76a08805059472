// The loss that a document's first objective minimizes, as a request to a Program.
#pragma once

#include <string>
#include <vector>

#include "document/document.h"
#include "run/program.h"

namespace loom::runner {

struct TotalLoss {
  std::vector<std::string> names;         // of each term
  std::vector<Port> ports;                // of each term: ProgramRequest::terms
  std::vector<double> weights;            // of each term in the total; 0 where the objective leaves it out
  ObjectiveRequest objective;             // the terms it weighs and the parameters it trains
  std::vector<double> objective_weights;  // of the objective's terms
};

// `training` chooses the terms (a loss may be for training or for evaluation only); weights are those of `step`.
// Throws what keeps the objective from being trained; without `gradients`, an objective may have no parameters.
TotalLoss total_loss(const Document& document, const Graph& graph, const ParameterStore& store,
                     const Registry& registry, bool training, std::int64_t step, bool gradients);

}  // namespace loom::runner
