// The moving average of the weights, used instead of them in evaluation and sampling (train.average > 0):
//   average += (1 - d) (weight - average),   d = min(decay, (1 + t) / (10 + t)) after t updates
// so that early averages are not dominated by the initial weights (t counts from 0; the rule is TensorFlow's).
//
// Ownership: owns the averages; refers to the ParameterStore, which must outlive it. Thread safety: one thread calls,
// while no program runs; the work is spread over the executor. Element-wise: threads change no bit.
#pragma once

#include <cstdint>
#include <vector>

#include "run/executor.h"
#include "run/parameter_store.h"

namespace loom {

class MovingAverage {
 public:
  // `parameters`: indices into the store. The averages start as the weights.
  MovingAverage(ParameterStore& store, std::vector<int> parameters, double decay, Executor& executor);

  void restart();  // the averages become the weights
  void update();   // after each update of the weights
  // Exchanges weights and averages; a second call undoes it.
  void swap();

  const std::vector<int>& parameters() const { return parameters_; }
  TensorView value(int k) const { return averages_[static_cast<std::size_t>(k)].view(); }  // of the k-th parameter
  std::int64_t updates() const { return updates_; }
  void set_updates(std::int64_t updates) { updates_ = updates; }

 private:
  ParameterStore& store_;
  std::vector<int> parameters_;
  std::vector<Tensor> averages_;
  double decay_;
  double step_decay_ = 0;  // of the update under way
  std::int64_t updates_ = 0;
  Executor& executor_;
};

// Averages in place of the weights while it lives; nothing where `average` is null.
class AveragedWeights {
 public:
  explicit AveragedWeights(MovingAverage* average) : average_(average) {
    if (average_ != nullptr) average_->swap();
  }
  ~AveragedWeights() {
    if (average_ != nullptr) average_->swap();
  }
  AveragedWeights(const AveragedWeights&) = delete;
  AveragedWeights& operator=(const AveragedWeights&) = delete;

 private:
  MovingAverage* average_;
};

}  // namespace loom
