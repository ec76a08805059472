// What training keeps the best of, and counts patience by: `train.monitor`.
//
// Without a metric it is the objective that is trained, with the weights that it has in the last step: while a weight
// still rises, an early step looks good only because its weight is small. For the same reason nothing counts before the
// weights of all losses have reached their final values. Learning rates do not matter here.
//
// An objective with an adversarial loss is a game, whose value says how the players stand and nothing of the model: without a
// metric no evaluation is the best one.
//
// Ownership: a value. Thread safety: immutable. Errors: not_supported where the evaluation has no such value.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "document/document.h"

namespace loom {

struct Evaluation;
struct TrainingPlan;

struct Selection {
  MonitorEntry monitor;
  std::int64_t from = 0;        // finished steps: the weights have settled
  std::vector<double> weights;  // of each loss of the plan: that of the first objective in the last step
  bool is_measured = true;      // evaluations compute every loss of the first objective
  std::string opponent;         // the first adversarial loss of the first objective, if there is no metric; "": none

  bool counts(std::int64_t finished_steps) const { return opponent.empty() && finished_steps >= from; }
  bool is_better(double value, double than) const { return monitor.mode == "max" ? value > than : value < than; }
  // In words: "perplexity, the greatest", "objective". Where it changes, earlier values cannot be compared.
  std::string name() const;
  std::string text(const TrainingPlan& plan) const;  // with the weights
  // Nats per item, or the metric's unit. Where evaluations leave out a loss of the objective: the negative ELBO.
  double value(const Evaluation& evaluation) const;
};

Selection select_best(const TrainEntry& train, const TrainingPlan& plan);

}  // namespace loom
