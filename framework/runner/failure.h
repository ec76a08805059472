// What makes a command that came to its end a failure: no step was applied, or an evaluation is not finite. Nothing is
// thrown, since the run is whole and its files are written; the exit code is 1.
//
// Thread safety: any thread. Errors: none.
#pragma once

#include <optional>
#include <string>

#include "train/session.h"

namespace loom::runner {

// How a training job ended.
struct Outcome {
  TrainEnd end = TrainEnd::completed;
  std::optional<Evaluation> evaluation;  // the last one
  std::string checkpoint;                // the last one
};

// None where it is not a failure; otherwise what was not finite first, and what helps.
std::optional<Diagnostic> failure_of(const Session& session, const Outcome& outcome);
std::optional<Diagnostic> failure_of(const Evaluation& evaluation, const std::string& name);

}  // namespace loom::runner
