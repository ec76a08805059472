// The progress of a training job: a bar on a terminal, otherwise one line every few seconds. It goes to stderr.
//
// Terms are means over the steps since the last time they were shown, each with the weight that it has in the loss
// where that is not 1. Thread safety: one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "train/session.h"
#include "train/step_means.h"

namespace loom::runner {

struct ShownTerm {
  std::string name;
  std::function<double(std::int64_t step)> weight;  // in the first objective that has it
};
// Those of a session, in the order of StepReport::terms; valid as long as the session.
std::vector<ShownTerm> shown_terms(const Session& session);

struct ProgressOptions {
  std::int64_t steps = 0, batch = 1;
  std::vector<ShownTerm> terms;
  double every_seconds = 10;  // between lines where there is no terminal
  bool quiet = false;
};

class Progress {
 public:
  explicit Progress(ProgressOptions options);
  ~Progress() { clear(); }

  void step(const StepReport& report);
  // Other terms and steps from now on: the graph has changed.
  void set_terms(std::vector<ShownTerm> terms, std::int64_t steps);
  // A line of its own, above the bar.
  void line(const std::string& text);
  // Takes the bar away.
  void clear();
  // Seconds inside train(), and the mean rate over it.
  double seconds() const { return total_.seconds(); }
  double samples_per_second() const;

 private:
  void show(const StepReport& report);
  std::string figures(const StepReport& report) const;
  std::string bar(const StepReport& report, std::size_t width) const;

  ProgressOptions options_;
  bool terminal_, colours_;
  Stopwatch total_;
  bool shown_ = false;  // a bar stands on the terminal
  std::int64_t steps_ = 0, skipped_ = 0;
  double rate_ = 0;  // samples a second, smoothed
  StepMeans means_;  // since shown
};

}  // namespace loom::runner
