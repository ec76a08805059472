// A run's summary as JSON, for the verbs that list and compare runs.
#pragma once

#include <nlohmann/json.hpp>

#include "report/run_summary.h"

namespace loom::runner {

// run, graph, data, state, started, step, steps, best {step, value, of} or null, evaluation {step, values} or null
nlohmann::ordered_json to_json(const report::RunSummary& run);

}  // namespace loom::runner
