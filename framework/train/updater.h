// Turns gradients into new weights: norms, clipping, each objective's optimizer, the moving average.
//
// Ownership: owns optimizers and averages; refers to the ParameterStore, the TrainingPlan and the Executor. Thread
// safety: one thread calls, while no program runs; the work is spread over the executor in fixed pieces, so that no
// thread count changes a bit. A warmed-up step allocates nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "run/executor.h"
#include "run/parameter_store.h"
#include "run/program_request.h"
#include "train/checkpoint.h"
#include "train/gradient_clip.h"
#include "train/moving_average.h"
#include "train/objectives.h"
#include "train/optimizer_state.h"

namespace loom {

class Updater {
 public:
  using Gradients = std::span<const std::span<float>>;

  Updater(ParameterStore& store, const TrainingPlan& plan, const TrainEntry& train, Executor& executor);

  // `squares`: TrainingPrograms::squares, where the gradients are still what they were; otherwise empty.
  double norm(Gradients gradients, std::span<const std::span<const double>> squares = {}) {
    return squares.empty() ? norm_(gradients, executor_) : GradientNorm::from(squares);
  }
  // One optimizer step of an objective; the learning rate is its schedule's at `step` (from 0).
  void apply(std::size_t objective, std::int64_t step, Gradients gradients, double norm);
  // Before the objectives of a step: a node has replaced these values, and nothing remains of what they were.
  void forget(const ReplacedValues& values);
  // After the objectives of a step: the moving averages, and the store's new version.
  void finish_step();

  double learning_rate(std::size_t objective, std::int64_t step) const;
  MovingAverage* average() { return average_.get(); }  // null where train.average is 0
  // What a checkpoint holds beside the parameters, under its names there.
  std::vector<NamedTensor> tensors() const;
  // A parameter whose optimizer state began after `updates` updates of the objective (a change of a running training).
  // Nothing where the objective does not have it.
  void set_start(const std::string& objective, const std::string& parameter, std::int64_t updates);
  void save(CheckpointInfo& info) const;  // the counts of updates
  void restore(const CheckpointInfo& info);

 private:
  void follow();
  // A piece of one parameter.
  struct Piece {
    int parameter;  // of the objective
    std::int64_t first, last;
  };
  struct Part {
    std::unique_ptr<OptimizerState> optimizer;
    std::vector<Piece> pieces;
  };

  ParameterStore& store_;
  const TrainingPlan& plan_;
  Executor& executor_;
  double clip_norm_, clip_value_;
  std::vector<int> followers_;  // values that are moving averages of others (`average: {of: ...}`)
  std::vector<Part> parts_;     // per objective
  std::unique_ptr<MovingAverage> average_;
  GradientNorm norm_;
};

}  // namespace loom
