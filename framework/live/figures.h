// What a running training job tells of itself (ctl status): means and rate of its last seconds, its last evaluation.
//
// Ownership: values. Thread safety: one thread. Errors: none.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "train/session.h"
#include "train/step_means.h"

namespace loom {

class Figures {
 public:
  // The observer, which now also tells this object of steps and evaluations. Terms are those of the session.
  TrainObserver observing(const Session& session, TrainObserver observer);
  // loss and terms [nats per sample], learning_rate, samples_per_s, seconds_left; null before the first step. evaluation
  // {step, split, loss, metrics}, best {step, value, of}: null before the first.
  nlohmann::ordered_json to_json(const Session& session) const;

 private:
  struct Window {
    double loss = 0, steps_per_second = 0;
    std::vector<double> terms;
  };
  void add(const StepReport& report);
  Window window() const;  // the last whole one, or the present one where there is none

  StepMeans means_;
  std::optional<Window> last_;
  std::vector<std::string> names_;
  double learning_rate_ = 0;
  nlohmann::ordered_json evaluation_ = nullptr;
};

}  // namespace loom
