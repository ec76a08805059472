// Samplers that iterate: the ports that `iterate` of a `generate:` entry names are filled by steps of a solver, each of
// which runs the part of the graph that `by` is computed from. One program is compiled for all steps, and three tensors
// of the state's size are kept, whatever the number of steps.
//
// What is drawn depends on the seed, the name of the state, the step of the solver and the sample alone: the same bits for
// any number of threads, and for any division of the samples into batches where they are numbered (first_item >= 0). Other
// values that the steps need, such as a class, are drawn anew in each, with the same result.
//
// Steps of `replace` take what nodes draw: those that the state or the time reaches draw anew in each step, others once.
//
// Ownership: owns its programs and the values of the ports; refers to graph, weights and executor.
// Thread safety: one thread. Errors: those of the programs; not_finite for a state that leaves the range of numbers.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "document/rewrite.h"
#include "generate/solver_step.h"
#include "run/bound_graph.h"
#include "run/program.h"

namespace loom {

class IterationSampler {
 public:
  // `rewrite` holds the entry's draws, `graph` is what it builds. `given` are ports that the feeds of draw() hold.
  IterationSampler(const Rewrite& rewrite, const BoundGraph& bound, const GenerateEntry& entry, std::int64_t batch,
                   std::vector<Port> given);

  // Of each iteration what takes the final state, the state and the time, each once.
  const std::vector<Port>& ports() const { return ports_; }
  // Their values for the feeds, samples, seed and step of `input`; valid until the next call.
  std::vector<TensorView> draw(const StepInput& input);

 private:
  // What a program is fed with, in this order.
  struct Fed {
    std::vector<std::size_t> given;  // those of given_
    std::vector<std::size_t> read;   // those of ports_
    std::vector<Port> ports;
  };
  struct Stage {
    IterationEntry entry;
    std::uint32_t stream = 0;
    std::size_t state = 0, target = 0;  // in ports_
    std::size_t time = 0;               // one of ports_; that of the state: no port takes it
    Fed fed, fed_before;
    Tensor values, trial, direction, times;
    std::vector<TensorView> once;     // what `before` has computed for the steps, their last feeds
    std::unique_ptr<Program> before;  // the first state, and what is drawn once; null: neither
    std::unique_ptr<Program> program;
  };
  std::size_t place_of(Port port);
  Fed fed_with(std::size_t known) const;
  TensorView filled(const Tensor& tensor, std::int64_t samples) const;
  static std::vector<TensorView> feeds_of(const Fed& fed, const StepInput& input,
                                          const std::vector<TensorView>& values);
  void compile(Stage& stage, const Rewrite& rewrite, const BoundGraph& bound, std::int64_t batch) const;
  void begin(Stage& stage, const StepInput& input, const std::vector<TensorView>& values);
  void run_steps(Stage& stage, const StepInput& input, std::vector<TensorView>& values);
  void replace_steps(Stage& stage, const StepInput& input, std::vector<TensorView>& values);
  void find_direction(Stage& stage, const StepInput& input, const Direction& at, double mixed,
                      std::vector<TensorView>& values);

  std::int64_t batch_;
  std::vector<Port> given_, ports_;
  std::vector<Stage> stages_;
};

}  // namespace loom
