// A training job that can be changed while it runs: by the files it was made from (watched), and by graph-runner ctl.
//
// Every change is prepared while the job trains (preparer.h), takes over the values between two steps, and is on
// trial for one step. If that step fails or is not finite, the old session continues as if nothing had been tried. A
// change of the document is committed with a checkpoint, so that a killed run resumes with the graph that it had.
//
//   LiveTraining live(std::move(model), run, options);
//   live.train(observe, stop);
//
// Ownership: owns the model and its threads; refers to the run. Thread safety: one thread calls; `say` is called on it.
// Errors: those of Session::train(); the errors of a change are reported, kept in the run's history, and sent as the
// answer.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/clock.h"
#include "live/control_socket.h"
#include "live/figures.h"
#include "live/file_watch.h"
#include "live/preparer.h"
#include "train/run_folder.h"

namespace loom {

struct LiveOptions {
  bool watch = false;   // the document's files and the libraries
  std::string program;  // this executable: runs the trials
  ProbationLimits limits;
  std::function<void(const std::string& line)> say;
  std::function<bool()> wants_checkpoint = {};  // asked between two steps: true writes one, and training continues
};

class LiveTraining {
 public:
  LiveTraining(LiveModel model, RunFolder& run, LiveOptions options);
  ~LiveTraining();
  // Takes no more changes and commands: the control socket is gone afterwards. The session stays.
  void close();

  Session& session() { return *model_.session; }
  // As Session::train(). `observe` is called again for each session; its `leave` is not used.
  TrainEnd train(const std::function<TrainObserver(Session&)>& observe, const std::function<bool()>& stop);

 private:
  struct Command {
    std::vector<std::string> words;
    ControlAnswer answer;
  };
  void wait_while_paused(const std::function<bool()>& stop);
  TrainEnd stop_here();
  void write_checkpoint();
  bool boundary();  // between two steps; true: a candidate is to be exchanged
  bool serve(const Command& command);
  void ask(const Command& command, ChangeRequest request);
  void files_changed(const std::vector<std::string>& files);
  std::optional<TrainEnd> exchange(const std::function<TrainObserver(Session&)>& observe,
                                   const std::function<bool()>& stop);
  std::optional<TrainEnd> try_step(Candidate& candidate, const std::function<TrainObserver(Session&)>& observe,
                                   const std::function<bool()>& stop);
  void commit(const Document& before, const Adoption& adoption);
  void refuse(const Candidate& candidate);
  void accept(const Candidate& candidate, const Adoption& adoption, double pause, const Stopwatch& since);
  void watch_files(std::vector<std::string> files);
  nlohmann::ordered_json status();
  TrainObserver observer_for(const std::function<TrainObserver(Session&)>& observe);

  LiveModel model_;
  RunFolder& run_;
  LiveOptions options_;
  bool paused_ = false, stopping_ = false;
  std::int64_t swaps_ = 0, refused_ = 0;
  double last_pause_ = 0, last_delay_ = 0;  // seconds; the delay: from the passed probation to the step boundary
  ControlAnswer stop_answer_;
  Figures figures_;

  std::mutex mutex_;  // guards the commands
  std::condition_variable wake_;
  std::deque<Command> commands_;
  std::atomic<bool> pending_ = false;
  std::unique_ptr<Preparer> preparer_;
  std::unique_ptr<FileWatch> watch_;
  std::unique_ptr<ControlServer> control_;
};

}  // namespace loom
