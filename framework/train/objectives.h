// The losses and objectives of a document, resolved against a graph and its parameters.
//
// Ownership: a TrainingPlan is a value; its ports and indices belong to the graph and store it was made for.
// Thread safety: values. Errors: the diagnostics of one pass are added to Diagnostics: no_loss, no_parameters,
// unknown names of losses, unmatched parameter patterns (unknown_objective_parameter), wrong options of optimizers
// and schedules.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "document/document.h"
#include "graph/graph.h"
#include "graph/scheduled_value.h"
#include "run/parameter_store.h"
#include "train/optimizer_state.h"
#include "train/selection.h"

namespace loom {

// What a term is in the evidence (evidence.h).
enum class LossRole {
  none,
  likelihood,   // -ln p(x|z)
  divergence,   // KL(q(z|x) || p(z))
  prior,        // -ln p(z) of codes
  regulariser,  // whatever else is minimized
  adversarial,
};

struct LossTerm {
  std::string name;
  Port port;                       // [N], nats per sample
  LossRole role = LossRole::none;  // that of its node, unless `role:` says another
  bool role_is_given = false;      // by `role:`: the term counts as it stands
  std::int64_t event_values = 0;   // of a node with a target: its values per sample, for bits/dim; else 0
  Port target, mask;               // of a likelihood: the data, and which of them are there; where it has these inputs
  Port mean, drawn;                // of the target, as the document says; invalid: as the node declares
  bool in_training = true, in_evaluation = true;
};

struct Objective {
  std::string name;
  std::vector<int> terms;                            // indices into TrainingPlan::terms
  std::vector<std::vector<ScheduledValue>> weights;  // per term: schedules whose values are multiplied
  std::vector<int> parameters;                       // indices into the store: matched, trainable, reached by the terms
  MadeOptimizer optimizer;
  ScheduledValue learning_rate;
  std::int64_t from = 0, stop = 0, every = 1, until = 0;
  struct Condition {
    int monitor;  // index into TrainingPlan::monitors
    double above, below;
  };
  std::vector<Condition> only_if;

  // Whether it rests in this step, before the conditions are looked at.
  bool is_due(std::int64_t step) const {
    return step >= from && (stop == 0 || step < stop) && (step % every == 0 || (until > 0 && step >= until));
  }
  double weight(std::size_t term, std::int64_t step) const;
  // The weight by which a checkpoint is the best, and the step from which evaluations count, of `last` steps and one.
  Schedule::Settled settled_weight(std::size_t term, std::int64_t last) const;
};

struct TrainingPlan {
  std::vector<LossTerm> terms;
  std::vector<Objective> objectives;
  std::vector<Port> monitors;          // [N]: what conditions of objectives look at
  Selection selection;                 // of the best checkpoint
  std::vector<std::string> unreached;  // trainable parameters that no objective reaches, sorted
  std::vector<int> recompute;          // nodes whose outputs are not kept for the backward pass
  std::vector<int> still;              // nodes whose states stand still, since no objective may change them
  std::vector<std::string> notes;      // what a user may not expect: states that stand still, losses that train nothing
};

// The registry is where optimizers and schedules are found.
TrainingPlan plan_training(const Document& document, const Graph& graph, const ParameterStore& store,
                           const Registry& registry, Diagnostics& diagnostics);

// Optimizers and schedules alone, which need no graph.
void check_updates(const Document& document, const Registry& registry, Diagnostics& diagnostics);

// The term that a port would be, without a name.
LossTerm loss_of_port(const Graph& graph, Port port);
// The losses alone, for evaluation.
std::vector<LossTerm> resolve_losses(const Document& document, const Graph& graph);

}  // namespace loom
