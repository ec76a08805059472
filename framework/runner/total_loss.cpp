#include "runner/total_loss.h"

#include <algorithm>

#include "loom/error.h"
#include "train/objectives.h"

namespace loom::runner {

TotalLoss total_loss(const Document& document, const Graph& graph, const ParameterStore& store,
                     const Registry& registry, bool training, std::int64_t step, bool gradients) {
  Diagnostics diagnostics;
  const TrainingPlan plan = plan_training(document, graph, store, registry, diagnostics);
  // Losses have values where there is nothing to train, too.
  const auto about_training = [](const Diagnostic& finding) { return finding.code == ErrorCode::no_parameters; };
  if (gradients || !std::ranges::all_of(diagnostics.items(), about_training)) diagnostics.throw_if_any();
  TotalLoss total;
  std::vector<int> places(plan.terms.size(), -1);
  for (std::size_t t = 0; t < plan.terms.size(); ++t) {
    const LossTerm& term = plan.terms[t];
    if (training ? !term.in_training : !term.in_evaluation) continue;
    places[t] = static_cast<int>(total.ports.size());
    total.names.push_back(term.name);
    total.ports.push_back(term.port);
  }
  total.weights.resize(total.ports.size());
  const Objective& objective = plan.objectives.front();
  for (std::size_t k = 0; k < objective.terms.size(); ++k) {
    const int place = places[static_cast<std::size_t>(objective.terms[k])];
    if (place < 0) continue;
    total.weights[static_cast<std::size_t>(place)] += objective.weight(k, step);
    total.objective.terms.push_back(place);
    total.objective_weights.push_back(objective.weight(k, step));
  }
  total.objective.parameters = objective.parameters;
  return total;
}

}  // namespace loom::runner
