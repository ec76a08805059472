// Reverse-mode differentiation over a graph: the linear list of steps that computes the requested values and their
// gradients, before memory and threads are assigned.
//
// A value is a tensor that some step writes. A port that several nodes read collects one gradient contribution from
// each reader; `sum` steps add them up in a fixed order. Alias nodes (reshape, stop_gradient) produce no step: their
// values share the storage of another value.
//
// A node with sums over the batch (Contract::sums_over_batch_in_training) makes several steps of each of its passes:
// gather, finish, forward; gather_backward, finish_backward, backward.
#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"

namespace loom {

struct TapeValue {
  Shape shape;  // with the abstract batch axis
  DType dtype = DType::f32;
  int alias_of = -1;  // the value whose storage this one shares, with another shape
  int feed = -1;      // index of the feed it comes from
  std::string name;   // "q.mu", "d q.mu"
};

struct TapeStep {
  enum class Kind {
    forward,
    seed,  // writes the gradient of a loss port: weight of the term / samples
    backward,
    sum,              // values[outputs[0]] += values[inputs[0]]
    gather,           // adds a shard's share to the lane's `sums`
    finish,           // once: adds the lanes' `sums` up, and calls Node::finish
    gather_backward,  // adds a shard's share to the lane's `diff_sums`
    finish_backward,  // once: adds the lanes' `diff_sums` up
    repeat,           // forward again (run/recompute.h)
    spread,           // copies what is the same for all samples to each of them (run/constant_rows.h)
    sum_rows,         // adds up the gradients of the samples: values[outputs[0]] = their sum
  };
  Kind kind = Kind::forward;
  int node = -1;
  int objective = -1;
  int term = -1;            // seed: index into the objective's terms
  std::vector<int> inputs;  // values; -1: not connected (or not kept for backward)
  std::vector<int> outputs;
  std::vector<int> diff_outputs;    // -1: nothing flows back, zeros
  std::vector<int> diff_inputs;     // -1: not requested
  std::vector<int> gradient_slots;  // per parameter of the node's contract; -1: not requested
  int sums = -1, diff_sums = -1;    // indices into Tape::sums
  int least_stage = 0;              // it runs in no earlier stage (run/plan.h)

  // Whether it reads outputs and their gradients, in place of writing outputs.
  bool is_backward() const { return kind == Kind::backward || kind == Kind::gather_backward; }
  bool is_finish() const { return kind == Kind::finish || kind == Kind::finish_backward; }
};

// Sums over the batch, of a node's forward or of one of its backward passes.
struct TapeSums {
  int node = -1;
  bool backward = false;
};

struct TapeObjective {
  std::vector<Port> terms;
  std::vector<std::string> parameters;  // paths
};

struct TapeRequest {
  bool training = false;
  std::vector<Port> feeds;
  std::vector<Port> terms;  // computed even if no objective uses them
  std::vector<TapeObjective> objectives;
  std::vector<Port> fetch;
  std::vector<Port> input_gradients;  // fed ports; gradient of objective 0
};

struct Tape {
  std::vector<TapeValue> values;
  std::vector<TapeStep> steps;
  std::vector<TapeSums> sums;
  std::vector<int> term_values;            // per term
  std::vector<int> fetch_values;           // per fetch
  std::vector<int> input_gradient_values;  // per input gradient; -1 if the losses do not depend on it
  // Gradient slot of objective o's k-th parameter: slots count through the objectives in order.
  std::vector<std::vector<int>> slots;
  int slot_count = 0;
  std::vector<bool> once;  // per node: its steps run on one sample (run/constant_rows.h); empty: none

  int root(int value) const;  // follows alias_of
  bool runs_once(int node) const { return !once.empty() && once[static_cast<std::size_t>(node)]; }
};

// Throws Error: bad_feed if a required input is not fed, bad_loss_shape if a term is not [N].
Tape record_tape(const Graph& graph, const TapeRequest& request);

}  // namespace loom
