// A program: a graph pruned to what is requested, with a memory plan, compiled to a oneTBB flow graph.
//
// The batch is cut into shards of `shard` samples, dealt to `lanes` in turn (lane l has shards l, l + lanes, ...). Each lane
// has its own gradient sums, which are added as a balanced tree; activations belong to the workers, at most one a thread,
// which take one lane after another. Whole-batch nodes and sums over the batch are barriers: only values that cross one
// are kept for the whole batch. Lanes and shard follow from graph and batch; the same ones give the same bits for any number of threads.
//
// Ownership: keeps the graph; refers to the ParameterStore and the Executor, which must outlive it.
// Thread safety: one run() at a time per program. Errors: run() throws Error(node_failed) naming the node, its place
// and the step, and can be called again.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "run/executor.h"
#include "run/parameter_store.h"
#include "run/profile.h"
#include "run/program_request.h"

namespace loom {

// The memory that a program plans, in bytes; parameters and optimizers have their own.
struct ProgramMemory {
  std::size_t batch = 0;      // values that cross a stage, and what whole-batch steps need
  std::size_t workers = 0;    // arenas: activations and scratch of one shard each
  std::size_t packed = 0;     // weights as kernels read them
  std::size_t gradients = 0;  // sums of all lanes
  std::size_t total() const { return batch + workers + packed + gradients; }
};

class Program {
 public:
  // Throws Error E2xx/E3xx: a port that is not reachable, an input that is not fed, a term that is not [N].
  Program(std::shared_ptr<const Graph> graph, ParameterStore& store, Executor& executor, ProgramRequest request);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void run(const StepInput& input);

  // Valid until the next run. Values of term t, one per sample, nats.
  std::span<const float> term(int t) const;
  double term_mean(int t) const;    // summed in sample order, in double
  TensorView fetched(int i) const;  // [samples, ...]
  // The gradient of the mean over the samples of objective o's weighted sum, for its k-th parameter.
  std::span<float> gradient(int o, int k) const;
  std::span<const double> gradient_squares(int o, int k) const;  // sums over each kSquares elements: GradientSums
  // What nodes replaced at the end of the step: optimizers forget what they keep of it.
  std::span<const ReplacedValues> replaced() const;
  TensorView input_gradient(int i) const;  // of ProgramRequest::input_gradients

  const ProgramRequest& request() const;  // with shard and lanes as chosen
  double flop_per_sample() const;         // forward and backward, counted from the shapes
  std::vector<StepWork> work() const;     // of each node's passes, for a batch
  ProgramMemory memory() const;
  std::vector<std::string> unused_nodes() const;
  bool has_whole_batch_steps() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace loom
