// The report, the samples and the reconstructions of a run, renewed while it trains: by another process of low priority
// (graph-runner report RUN), so that slow samples do not hold up the training, which gives the same bits with or
// without it.
//
// Ownership: owns the process; the destructor ends it. Thread safety: one thread. Errors: none; what cannot be started
// is told once as a warning.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/clock.h"
#include "live/child_process.h"

namespace loom::runner {

class BackgroundReport {
 public:
  // `program`: this executable. `plugins`: of --plugin.
  BackgroundReport(std::string program, std::string run, std::vector<std::string> plugins);

  // After a checkpoint. Does nothing while the last renewal runs, or within kRenewalSeconds of its start.
  void renew();
  static constexpr double kRenewalSeconds = 10;

 private:
  std::string program_, run_;
  std::vector<std::string> plugins_;
  Stopwatch since_;  // the start of the training, or of the last renewal
  std::unique_ptr<ChildProcess> process_;
  bool impossible_ = false;
};

}  // namespace loom::runner
