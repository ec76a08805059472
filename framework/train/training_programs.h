// The programs of a training step: all objectives share one forward and backward pass. Objectives that do not update
// in every step (`every: k`) are omitted in the steps in which they rest, by a second program that is made when it is
// first needed. An objective whose conditions (`only_if`) are not met by the step's losses does not update. If this
// is true for all of several objectives with conditions, none of them rests, so that training does not stall.
//
// Ownership: keeps the graph; refers to the ParameterStore and the Executor. Thread safety: one thread. Errors: those
// of Program; after one, run() can be called again. A warmed-up run() allocates nothing of its own.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "run/program.h"
#include "train/objectives.h"

namespace loom {

class TrainingPrograms {
 public:
  struct Size {
    std::int64_t batch = 1, shard = 0;  // samples; shard 0: chosen from the shapes
    int lanes = 0;                      // 0: chosen from the shapes
    bool transformed = false;           // of ProgramRequest, as is the next one
    bool bf16 = false;
  };
  TrainingPrograms(std::shared_ptr<const Graph> graph, ParameterStore& store, Executor& executor,
                   const TrainingPlan& plan, std::vector<Port> feeds, const Size& size);

  // Step `step` counts from 0. A step of several batches (`train.accumulate`) calls it once with each, in order: what it
  // gives after each are the means so far. An objective whose conditions do not hold for a batch leaves that batch out.
  struct Part {
    std::int64_t index = 0, count = 1;
  };
  void run(std::int64_t step, std::span<const TensorView> feeds, std::int64_t samples, std::uint64_t seed,
           bool feeds_repeat = false, Part part = {.index = 0, .count = 1});

  // Of the last step; replaced() of the last run:
  bool is_active(std::size_t objective) const;                               // whether it updates in this step
  std::span<const std::span<float>> gradients(std::size_t objective) const;  // of its parameters, if it is active
  // Of each of these, Program::gradient_squares; empty where the step had several batches.
  std::span<const std::span<const double>> squares(std::size_t objective) const;
  std::span<const ReplacedValues> replaced() const { return last_->program->replaced(); }
  double term_mean(std::size_t term) const { return means_[term]; }  // nats; NaN for a term of evaluation only
  double objective_loss(std::size_t objective) const;                // weighted sum, nats

  int lanes() const { return size_.lanes; }
  std::int64_t shard() const { return size_.shard; }
  const Program& program() const { return *all_.program; }  // with every objective

 private:
  struct Variant {
    std::vector<std::size_t> objectives;
    std::vector<std::vector<double>> weights;
    std::vector<std::vector<std::span<float>>> gradients;  // per objective of the plan
    std::vector<std::vector<std::span<const double>>> squares;
    std::unique_ptr<Program> program;
  };
  Variant make(const std::vector<std::size_t>& objectives) const;
  Variant& variant_for(std::int64_t step);
  void apply_conditions(const Program& program);
  void add_part(Variant& variant, Part part);

  std::shared_ptr<const Graph> graph_;
  ParameterStore& store_;
  Executor& executor_;
  const TrainingPlan& plan_;
  std::vector<Port> feeds_;
  Size size_;
  std::vector<int> request_terms_;  // per term of the plan: its index in the programs; -1: not computed in training
  Variant all_;
  std::map<std::vector<bool>, Variant> others_;
  std::vector<bool> active_;
  Variant* last_ = nullptr;
  std::int64_t last_step_ = 0;
  std::vector<double> means_;
  // Of the batches so far, where a step has several: gradients, and which objectives have any.
  std::vector<std::vector<std::vector<float>>> sums_;  // [objective][parameter]
  std::vector<std::vector<std::span<float>>> summed_;  // the same as spans
  std::vector<double> mean_sums_;
  std::vector<bool> any_active_;
  bool is_summed_ = false;
};

}  // namespace loom
