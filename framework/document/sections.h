// The sections of a document that say how to train, as declared types: train, objectives, optimizers, schedules.
#pragma once

#include <string>
#include <vector>

#include "document/document.h"
#include "document/section_type.h"
#include "document/value.h"
#include "graph/scheduled_value.h"

namespace loom {

const SectionType<TrainEntry>& train_section();
const SectionType<MonitorEntry>& monitor_section();
const SectionType<ObjectiveEntry>& objective_section();
const SectionType<LossEntry>& loss_section();
const SectionType<AverageEntry>& average_section();
const SectionType<AutoregressionEntry>& autoregression_section();
const SectionType<GenerateEntry>& generate_section();
// What every optimizer takes besides its own options (lr).
const Contract& optimizer_options();

// Every key that has not been asked for so far, as an option.
void read_options(Section& section, TypedEntry& entry);
// {type: NAME, option: value, ...}: the type must be there unless `entry` has one. Keys in `apart` are the caller's.
void read_typed(Section& section, TypedEntry& entry, const std::vector<std::string>& apart = {});

// A number, or a map that names a schedule and its options ("linear" where it names none).
ScheduleEntry read_schedule(const Value& value, const std::string& what, Diagnostics& diagnostics);
OptimizerEntry read_optimizer(const Value& value, Diagnostics& diagnostics);
// A port as it is written; no node: anything else, which is reported.
// Where each pattern of a list stands, or the one that is alone; none of a key that is missing.
std::vector<Location> places_of(const Value* patterns);
Reference read_reference(const Value& value, const std::string& what, Diagnostics& diagnostics);
// The references are as they are written.
AutoregressionEntry read_autoregression(const Value& value, const std::string& owner, Diagnostics& diagnostics);
std::vector<MetricEntry> read_metrics(const Value& value, Diagnostics& diagnostics);
TrainEntry read_train(const Value* value, OptimizerEntry& optimizer, Diagnostics& diagnostics);
// Objectives over the named losses; without a section one objective, "main", over all of them.
std::vector<ObjectiveEntry> read_objectives(const Value* value, const std::vector<LossEntry>& losses,
                                            const OptimizerEntry& optimizer, Diagnostics& diagnostics);

}  // namespace loom
