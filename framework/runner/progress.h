// The progress of a training job: a bar on a terminal, otherwise one line every few seconds. It goes to stderr.
//
// Terms are means over the steps since the last time they were shown. Thread safety: one thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/clock.h"
#include "train/session.h"

namespace loom::runner {

struct ProgressOptions {
  std::int64_t first_step = 0, steps = 0, batch = 1;
  std::vector<std::string> terms;  // names, in the order of StepReport::terms
  double every_seconds = 10;       // between lines where there is no terminal
  bool quiet = false;
};

class Progress {
 public:
  explicit Progress(ProgressOptions options);
  ~Progress() { clear(); }

  void step(const StepReport& report);
  // Other terms and steps from now on: the graph has changed.
  void set_terms(std::vector<std::string> terms, std::int64_t steps);
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
  void add(const StepReport& report);

  ProgressOptions options_;
  bool terminal_, colours_;
  Stopwatch total_, since_shown_;
  bool shown_ = false;  // a bar stands on the terminal
  std::int64_t steps_ = 0, skipped_ = 0, steps_at_shown_ = 0;
  double rate_ = 0;           // samples a second, smoothed
  std::vector<double> sums_;  // of each term since shown
  std::int64_t summed_ = 0;
  double loss_sum_ = 0;
};

}  // namespace loom::runner
