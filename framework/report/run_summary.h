// Runs seen from outside: how far each has come, what it was made with, what its last evaluation measured.
//
// Ownership: values. Thread safety: functions of their arguments; a training job may be writing to the run.
// Errors: run_not_found; read_failed or checkpoint_corrupt of a run that cannot be read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "document/document.h"

namespace loom::report {

enum class RunState { training, finished, stopped };
std::string name_of(RunState state);

struct MeasuredValue {
  std::string key;  // "negative_elbo", "q.active_units", "terms.kl"
  double value = 0;
  std::optional<double> standard_error;
};

struct RunSummary {
  std::string path, graph, data;  // graph: its name; data: its type
  RunState state = RunState::stopped;
  std::string started;               // UTC, ISO 8601: when its folder was made
  std::int64_t step = 0, steps = 0;  // done, wanted
  std::string monitor;               // what the best checkpoint was chosen by; "" before the first
  std::optional<double> best_value;
  std::int64_t best_step = 0;
  std::int64_t evaluated_step = 0;        // of the last evaluation; 0: none yet
  std::vector<MeasuredValue> evaluation;  // what it measured
};

RunSummary summary_of_run(const std::string& run);

struct FoundRuns {
  std::vector<RunSummary> runs;                                 // by path
  std::vector<std::pair<std::string, std::string>> unreadable;  // path, why
};
// The runs below a folder, not those inside other runs.
FoundRuns runs_below(const std::string& folder);

}  // namespace loom::report
