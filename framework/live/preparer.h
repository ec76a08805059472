// Prepares candidates while a session trains. A request is read, put on probation and compiled on a separate thread,
// one request after the other; the training thread then only takes over the values.
//
// Ownership: owns its thread, the copies of the libraries and the sessions that it retires; refers to the session that
// trains. Thread safety: ask(), interrupt() from any thread; the rest from the training thread. Errors: the errors of a
// candidate become its refusal.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/clock.h"
#include "live/change.h"
#include "live/library_set.h"
#include "live/probation.h"
#include "live/source.h"
#include "train/session.h"

namespace loom {

// A session with everything that it needs. Destroyed in this order: the session before the types that it uses.
struct LiveModel {
  RunSource source;  // of the next change
  std::unique_ptr<Registry> registry;
  std::unique_ptr<Session> session;
  RunSettings declared;  // what the document alone says, without the command line
};

struct Candidate {
  ChangeRequest request;
  LiveModel model;  // without a session if nothing has changed or if it is refused
  std::vector<LibraryFile> libraries;
  std::string what;
  std::vector<std::string> reasons;  // reasons for the refusal
  Stopwatch since_trial;             // runs from the moment at which its probation was passed
};

class Preparer {
 public:
  // `run`: the folder. `program`: the executable that runs trials; "": there are none.
  Preparer(std::string run, const std::string& program, const ProbationLimits& limits, const LiveModel& running);
  ~Preparer();
  Preparer(const Preparer&) = delete;
  Preparer& operator=(const Preparer&) = delete;

  // Prepares at once, for a session that does not train; throws what keeps the change from being taken. Not while a
  // request is open.
  Candidate make(ChangeRequest request);
  void ask(ChangeRequest request);
  bool has_candidate() const { return ready_; }
  Candidate take();
  // The result of the candidate that was taken; the next candidate is made from here on. `running` trains now; `old`
  // no longer trains and is destroyed on the preparer's thread.
  void settle(const LiveModel& running, bool accepted, const Candidate& candidate, LiveModel old);

  std::vector<std::string> library_files();
  int open_generations();

 private:
  void work();
  Candidate prepare(ChangeRequest request);
  void add_new_libraries(ChangeRequest& request, const std::vector<LoadedLibrary>& wanted) const;
  void build(Candidate& candidate, const LiveModel& running);
  void try_out(const Candidate& candidate, const Document& document, const RunSettings& settings,
               const LiveModel& running);

  std::string run_;
  ProbationLimits limits_;
  LibrarySet libraries_;
  Probation probation_;

  std::mutex mutex_;  // guards the members below
  std::condition_variable changed_;
  std::deque<ChangeRequest> requests_;
  std::optional<Candidate> candidate_;
  std::vector<LiveModel> retired_;
  const LiveModel* running_;
  bool taken_ = false;  // a candidate is with the training thread: the running session may be exchanged
  bool stopping_ = false;
  std::atomic<bool> ready_ = false;
  std::thread thread_;
};

}  // namespace loom
