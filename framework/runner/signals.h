// SIGINT and SIGTERM during training: the first stops the job after the current step, a second SIGINT exits at once.
//
// Thread safety: one StopSignals at a time; received() may be asked from any thread.
#pragma once

#include <csignal>

namespace loom::runner {

class StopSignals {
 public:
  StopSignals();
  ~StopSignals();  // the handlers that were there before
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  int received() const;                               // the signal's number, or 0
  int exit_code() const { return 128 + received(); }  // 130, 143

 private:
  struct sigaction interrupt_ {
  }, terminate_{};
};

}  // namespace loom::runner
