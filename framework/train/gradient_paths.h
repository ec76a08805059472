// Which parameters and moving states the losses of a plan reach, and where a gradient ends on its way to them.
//
// Thread safety: functions of their arguments. Errors: not_differentiable, added to Diagnostics.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "document/document.h"
#include "train/objectives.h"

namespace loom {

// The nodes that the gradient of these ports reaches.
std::set<int> reached_nodes(const Graph& graph, const std::vector<Port>& terms);
// The paths of their parameters.
std::set<std::string> reached_parameters(const Graph& graph, const std::vector<Port>& terms);

// Losses that are minimized and train nothing: one whose gradient ends on the way to every parameter is an error; one
// that is stopped on purpose, or depends on no parameter that is trained, is noted in the plan.
void check_gradients(const Document& document, const Graph& graph, const ParameterStore& store, TrainingPlan& plan,
                     Diagnostics& diagnostics);

// The nodes whose states no objective may change: every objective has `parameters` that leave out all of their values.
std::vector<int> still_nodes(const std::vector<ObjectiveEntry>& objectives, const Graph& graph);
// Whether the objective trains a node without an optimizer: one with tallies, whose states it may change.
bool moves_states(const ObjectiveEntry& objective, const Graph& graph, const std::vector<Port>& terms);

}  // namespace loom
