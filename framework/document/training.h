// The sections of a document that say how to train: losses' weights, objectives, optimizers, schedules, train.
#pragma once

#include "document/document.h"
#include "document/value.h"

namespace loom {

// A number, or a map as documented at Schedule. `minimum` bounds its values.
Schedule read_schedule(const Value& value, const std::string& what, double minimum, Diagnostics& diagnostics);
OptimizerEntry read_optimizer(const Value& value, Diagnostics& diagnostics);
TrainEntry read_train(const Value* value, OptimizerEntry& optimizer, Diagnostics& diagnostics);
// Objectives over the named losses; without a section one objective, "main", over all of them.
std::vector<ObjectiveEntry> read_objectives(const Value* value, const std::vector<LossEntry>& losses,
                                            const OptimizerEntry& optimizer, Diagnostics& diagnostics);

}  // namespace loom
