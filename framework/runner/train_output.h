// What graph-runner train says: its first lines, what it says while it trains, and the summary at the end; for people, and
// for programs (train_events.h).
//
// Ownership: refers to the session that it is given with each call. Thread safety: one thread. Errors: those of stdout.
#pragma once

#include <string>

#include "report/finish.h"
#include "runner/failure.h"
#include "runner/progress.h"
#include "runner/train_events.h"

namespace loom::runner {

class TrainOutput {
 public:
  TrainOutput(const Session& first, double every_seconds, bool quiet, bool json);

  void introduce(Session& session, const std::string& run);
  void line(const std::string& text);
  // Tells of a session's steps, and keeps its evaluations and checkpoints in `outcome`.
  TrainObserver observer_of(Session& session, Outcome& outcome);
  void clear() { progress_.clear(); }
  void finish(const Session& session, const Outcome& outcome, const report::FinishedFiles& files,
              const std::string& run);

 private:
  Progress progress_;
  TrainEvents events_;
  bool json_;
};

}  // namespace loom::runner
