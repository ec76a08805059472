// Reverse-mode differentiation over a graph: the linear list of steps that computes the requested values and their
// gradients, before memory and threads are assigned.
//
// A value is a tensor that some step writes. A port that several nodes read collects one gradient contribution from
// each reader; `sum` steps add them up in a fixed order. Alias nodes (reshape, stop_gradient) produce no step: their
// values share the storage of another value.
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
    sum,   // values[outputs[0]] += values[inputs[0]]
    cast,  // values[outputs[0]] = values[inputs[0]] in its own type, element by element (run/storage.h)
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
  std::vector<int> term_values;            // per term
  std::vector<int> fetch_values;           // per fetch
  std::vector<int> input_gradient_values;  // per input gradient; -1 if the losses do not depend on it
  // Gradient slot of objective o's k-th parameter: slots count through the objectives in order.
  std::vector<std::vector<int>> slots;
  int slot_count = 0;

  int root(int value) const;  // follows alias_of
};

// Throws Error: bad_feed if a required input is not fed, bad_loss_shape if a term is not [N].
Tape record_tape(const Graph& graph, const TapeRequest& request);

}  // namespace loom
