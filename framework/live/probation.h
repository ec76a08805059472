// Puts a candidate on probation: a trial (trial.h) in a child process, which is this program itself, with a time limit.
//
// The child is `graph-runner trial`. It reads the request from its stdin and writes {"ok": true} or {"errors": [...]}
// to its stdout. If the child ends by a signal, hangs or exits, the result is an Error here and nothing worse.
//
// Thread safety: one call at a time per Probation; interrupt() from any thread.
#pragma once

#include <atomic>
#include <string>

#include "live/trial.h"

namespace loom {

struct ProbationLimits {
  double seconds = 60;
  std::uint64_t memory = 0;  // bytes; 0: kTrialMemory and four times what this process takes now
};
inline constexpr std::uint64_t kTrialMemory = std::uint64_t{1} << 30;

class Probation {
 public:
  // `program`: the executable to start.
  explicit Probation(std::string program) : program_(std::move(program)) {}

  bool has_program() const { return !program_.empty(); }
  // Returns if the candidate passed; throws its errors, or candidate_crashed, candidate_timeout, candidate_memory.
  // `subject` names the candidate in these.
  void run(TrialRequest request, const ProbationLimits& limits, const std::string& subject);
  // Ends a run() in progress: it throws candidate_timeout.
  void interrupt() { interrupted_ = true; }

 private:
  std::string program_;
  std::atomic<bool> interrupted_ = false;
};

}  // namespace loom
