// SIGINT, SIGTERM and SIGHUP during training: the first stops the job after the current step, a second SIGINT exits at once.
// SIGHUP stays ignored where it was, as under nohup. SIGUSR1, by which a batch system warns of the end of the time, asks for
// a checkpoint after the current step, and the job continues.
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
  bool take_checkpoint_request();                     // whether SIGUSR1 has come since the last call
  int exit_code() const { return 128 + received(); }  // 129, 130, 143

 private:
  struct sigaction interrupt_ {
  }, terminate_{}, hang_up_{}, user_{};
};

}  // namespace loom::runner
