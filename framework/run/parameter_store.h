// Weights and running state of a graph, by path ("encoder/conv1.weight"), owned by the host and never by a node. This
// keeps checkpoints and swapping simple.
//
// Thread safety: reading from many threads is safe; writing (an update, a load) is for one writer while nothing runs.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "loom/tensor.h"

namespace loom {

struct Parameter {
  std::string path;
  Shape shape;
  Tensor value;              // f32
  bool is_state = false;     // changed by nodes, not by optimizers
  bool set_by_node = false;  // a parameter that a node may change, too
  bool frozen = false;
  int follows = -1;  // index of the value that it is a moving average of; -1: none
  double decay = 0;
  int norms_of = -1;  // index of the value the norms of whose rows it starts with (a layer of weight norm); -1: none
};

class ParameterStore {
 public:
  // Allocates every parameter and state of `graph` and draws its initial value: a function of (seed, path) alone.
  ParameterStore(const Graph& graph, std::uint64_t seed);
  // Paths and shapes without values: enough to check and count, at no cost of memory.
  explicit ParameterStore(const Graph& graph) : ParameterStore(graph, std::nullopt) {}

  std::vector<Parameter>& items() { return items_; }
  const std::vector<Parameter>& items() const { return items_; }
  int find(const std::string& path) const;  // -1 where there is none
  Parameter& at(int index) { return items_[static_cast<std::size_t>(index)]; }
  const Parameter& at(int index) const { return items_[static_cast<std::size_t>(index)]; }
  std::int64_t trainable_count() const;  // values, not tensors

  // The training step that the weights are of: 0 before training, then the last one that they have been through. It gives
  // options of nodes that follow a schedule their values.
  void set_step(std::int64_t step) { step_ = step; }
  std::int64_t step() const { return step_; }

  // Values that are moving averages become what they follow.
  void start_averages();

  // Gives a value its initial value again, which follows from another one that has been loaded since.
  void renew_norms(Parameter& item);

  // To be called after any change of values: programs repack weights when it moved.
  void touch() { ++version_; }
  std::uint64_t version() const { return version_; }

 private:
  ParameterStore(const Graph& graph, std::optional<std::uint64_t> seed);

  void follow(const GraphParameter& parameter);

  std::vector<Parameter> items_;
  std::map<std::string, int> index_;
  std::uint64_t version_ = 1;
  std::int64_t step_ = 0;
};

}  // namespace loom
