// Whether `iterate` of an entry of `generate` can be computed: its settings, and the ports that it names.
//
// Thread safety: functions of their arguments. Errors: findings go to the diagnostics.
#pragma once

#include "document/document.h"
#include "graph/graph.h"

namespace loom {

// What the settings leave out.
struct IterationRange {
  double from, to;  // of the times
  double scale;     // standard deviation of the first state
};
IterationRange iteration_range(const IterationEntry& entry);

// Whether steps follow dx/dt, without a schedule of noise.
bool follows_velocity(const IterationEntry& entry);
// Whether a step of Langevin is that of one fixed density.
bool has_fixed_density(const IterationEntry& entry);

// What the keys say together, as far as one alone is right: E106, E204.
void check_iteration_settings(const IterationEntry& entry, Diagnostics& diagnostics);
// Whether ports that exist fit: shapes and types, and that `by` is computed from `state`: E205, E207, E208.
bool check_iteration_ports(const Graph& graph, const IterationEntry& entry, Diagnostics& diagnostics);
// Whether what is shown is computed from the final states; of an entry whose ports exist: E205.
void check_iterations_shown(const Graph& graph, const GenerateEntry& entry, Diagnostics& diagnostics);
// A port of `feed` or `draw` that is computed by iteration: E204.
void check_fed_iterations(const GenerateEntry& entry, Diagnostics& diagnostics);

}  // namespace loom
