// Options of nodes that follow a schedule: `rate: {from: 0.5, to: 0, over: 1000}`. Any option that is a number can; what
// it may not do is change the shapes of the node, or how the graph is computed, since these are fixed before training.
//
// A node object is immutable, so the host makes it anew when the value of its option changes (run/instance.h). The value
// is that of the step of the weights (ParameterStore::step), in training, evaluation and sampling alike.
// Thread safety: values. Errors: collected in Diagnostics, at the place of the option.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "graph/scheduled_value.h"
#include "loom/contract.h"
#include "loom/tensor.h"

namespace loom {

struct GraphNode;

struct ScheduledOption {
  std::string name;
  ScheduledValue value;
  double least = 0, greatest = 0;  // over training
  OptionValue as_written;          // {from: 0.5, to: 0, over: 1000}
};

// Whether an option that accepts these values may be given a schedule.
bool can_follow_schedule(const Constraint& accepts);

// The options among `options` that are schedules; numbers, those of step 0, take their place. E105 and E106 where the
// option cannot have one, or has a value out of its range.
std::vector<ScheduledOption> take_schedules(std::map<std::string, OptionEntry>& options, const Contract& contract,
                                            const std::string& what, const Registry& registry,
                                            Diagnostics& diagnostics);

// Whether the node is the same but for its numbers at the least and the greatest value of its schedules: its rules hold,
// and its shapes and its traits do not change.
void check_schedules(const GraphNode& node, const NodeEntry& entry, const std::vector<std::optional<Shape>>& inputs,
                     Diagnostics& diagnostics);

}  // namespace loom
